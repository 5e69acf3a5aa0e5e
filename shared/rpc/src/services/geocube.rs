//! The service `geocube.Geocube`: the table of its methods. What a method does is in the file of its
//! noun.

use super::reply::{Reply, reply, version};
use super::stream::Items;
use super::{
    aoi, consolidation_params, container, cube, dataset, grid, instance, job, layout, palette,
    record, tile, tiling, variable,
};
use crate::pb::{self, geocube_server::Geocube};
use app::App;
use tonic::{Request, Streaming};

/// Handlers of `geocube.Geocube`.
#[derive(Clone, Debug)]
pub struct GeocubeService {
    app: App,
}

impl GeocubeService {
    /// Serves the use cases of `app`.
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl Geocube for GeocubeService {
    async fn create_aoi(
        &self,
        request: Request<pb::CreateAoiRequest>,
    ) -> Reply<pb::CreateAoiResponse> {
        aoi::create_aoi(&self.app, request.into_inner()).await
    }

    async fn get_aoi(&self, request: Request<pb::GetAoiRequest>) -> Reply<pb::GetAoiResponse> {
        aoi::get_aoi(&self.app, request.into_inner()).await
    }

    async fn create_records(
        &self,
        request: Request<pb::CreateRecordsRequest>,
    ) -> Reply<pb::CreateRecordsResponse> {
        record::create_records(&self.app, request.into_inner()).await
    }

    type GetRecordsStream = Items<pb::GetRecordsResponseItem>;

    async fn get_records(
        &self,
        request: Request<pb::GetRecordsRequest>,
    ) -> Reply<Self::GetRecordsStream> {
        record::get_records(&self.app, request.into_inner()).await
    }

    type ListRecordsStream = Items<pb::ListRecordsResponseItem>;

    async fn list_records(
        &self,
        request: Request<pb::ListRecordsRequest>,
    ) -> Reply<Self::ListRecordsStream> {
        record::list_records(&self.app, request.into_inner()).await
    }

    async fn add_records_tags(
        &self,
        request: Request<pb::AddRecordsTagsRequest>,
    ) -> Reply<pb::AddRecordsTagsResponse> {
        record::add_records_tags(&self.app, request.into_inner()).await
    }

    async fn remove_records_tags(
        &self,
        request: Request<pb::RemoveRecordsTagsRequest>,
    ) -> Reply<pb::RemoveRecordsTagsResponse> {
        record::remove_records_tags(&self.app, request.into_inner()).await
    }

    async fn delete_records(
        &self,
        request: Request<pb::DeleteRecordsRequest>,
    ) -> Reply<pb::DeleteRecordsResponse> {
        record::delete_records(&self.app, request.into_inner()).await
    }

    async fn create_variable(
        &self,
        request: Request<pb::CreateVariableRequest>,
    ) -> Reply<pb::CreateVariableResponse> {
        variable::create_variable(&self.app, request.into_inner()).await
    }

    async fn get_variable(
        &self,
        request: Request<pb::GetVariableRequest>,
    ) -> Reply<pb::GetVariableResponse> {
        variable::get_variable(&self.app, request.into_inner()).await
    }

    async fn update_variable(
        &self,
        request: Request<pb::UpdateVariableRequest>,
    ) -> Reply<pb::UpdateVariableResponse> {
        variable::update_variable(&self.app, request.into_inner()).await
    }

    async fn delete_variable(
        &self,
        request: Request<pb::DeleteVariableRequest>,
    ) -> Reply<pb::DeleteVariableResponse> {
        variable::delete_variable(&self.app, request.into_inner()).await
    }

    type ListVariablesStream = Items<pb::ListVariablesResponseItem>;

    async fn list_variables(
        &self,
        request: Request<pb::ListVariablesRequest>,
    ) -> Reply<Self::ListVariablesStream> {
        variable::list_variables(&self.app, request.into_inner()).await
    }

    async fn instantiate_variable(
        &self,
        request: Request<pb::InstantiateVariableRequest>,
    ) -> Reply<pb::InstantiateVariableResponse> {
        instance::instantiate_variable(&self.app, request.into_inner()).await
    }

    async fn update_instance(
        &self,
        request: Request<pb::UpdateInstanceRequest>,
    ) -> Reply<pb::UpdateInstanceResponse> {
        instance::update_instance(&self.app, request.into_inner()).await
    }

    async fn delete_instance(
        &self,
        request: Request<pb::DeleteInstanceRequest>,
    ) -> Reply<pb::DeleteInstanceResponse> {
        instance::delete_instance(&self.app, request.into_inner()).await
    }

    async fn create_palette(
        &self,
        request: Request<pb::CreatePaletteRequest>,
    ) -> Reply<pb::CreatePaletteResponse> {
        palette::create_palette(&self.app, request.into_inner()).await
    }

    async fn get_containers(
        &self,
        request: Request<pb::GetContainersRequest>,
    ) -> Reply<pb::GetContainersResponse> {
        container::get_containers(&self.app, request.into_inner()).await
    }

    async fn index_datasets(
        &self,
        request: Request<pb::IndexDatasetsRequest>,
    ) -> Reply<pb::IndexDatasetsResponse> {
        container::index_datasets(&self.app, request.into_inner()).await
    }

    async fn list_datasets(
        &self,
        request: Request<pb::ListDatasetsRequest>,
    ) -> Reply<pb::ListDatasetsResponse> {
        dataset::list_datasets(&self.app, request.into_inner()).await
    }

    async fn delete_datasets(
        &self,
        request: Request<pb::DeleteDatasetsRequest>,
    ) -> Reply<pb::DeleteDatasetsResponse> {
        dataset::delete_datasets(&self.app, request.into_inner()).await
    }

    async fn config_consolidation(
        &self,
        request: Request<pb::ConfigConsolidationRequest>,
    ) -> Reply<pb::ConfigConsolidationResponse> {
        consolidation_params::config_consolidation(&self.app, request.into_inner()).await
    }

    async fn get_consolidation_params(
        &self,
        request: Request<pb::GetConsolidationParamsRequest>,
    ) -> Reply<pb::GetConsolidationParamsResponse> {
        consolidation_params::get_consolidation_params(&self.app, request.into_inner()).await
    }

    async fn consolidate(
        &self,
        request: Request<pb::ConsolidateRequest>,
    ) -> Reply<pb::ConsolidateResponse> {
        job::consolidate(&self.app, request.into_inner()).await
    }

    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Reply<pb::ListJobsResponse> {
        job::list_jobs(&self.app, request.into_inner()).await
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Reply<pb::GetJobResponse> {
        job::get_job(&self.app, request.into_inner()).await
    }

    async fn clean_jobs(
        &self,
        request: Request<pb::CleanJobsRequest>,
    ) -> Reply<pb::CleanJobsResponse> {
        job::clean_jobs(&self.app, request.into_inner()).await
    }

    async fn retry_job(
        &self,
        request: Request<pb::RetryJobRequest>,
    ) -> Reply<pb::RetryJobResponse> {
        job::retry_job(&self.app, request.into_inner()).await
    }

    async fn cancel_job(
        &self,
        request: Request<pb::CancelJobRequest>,
    ) -> Reply<pb::CancelJobResponse> {
        job::cancel_job(&self.app, request.into_inner()).await
    }

    async fn continue_job(
        &self,
        request: Request<pb::ContinueJobRequest>,
    ) -> Reply<pb::ContinueJobResponse> {
        job::continue_job(&self.app, request.into_inner()).await
    }

    type GetCubeStream = Items<pb::GetCubeResponse>;

    async fn get_cube(&self, request: Request<pb::GetCubeRequest>) -> Reply<Self::GetCubeStream> {
        cube::get_cube(&self.app, request.into_inner()).await
    }

    async fn get_xyz_tile(
        &self,
        request: Request<pb::GetTileRequest>,
    ) -> Reply<pb::GetTileResponse> {
        tile::get_xyz_tile(&self.app, request.into_inner()).await
    }

    async fn create_layout(
        &self,
        request: Request<pb::CreateLayoutRequest>,
    ) -> Reply<pb::CreateLayoutResponse> {
        layout::create_layout(&self.app, request.into_inner()).await
    }

    async fn delete_layout(
        &self,
        request: Request<pb::DeleteLayoutRequest>,
    ) -> Reply<pb::DeleteLayoutResponse> {
        layout::delete_layout(&self.app, request.into_inner()).await
    }

    async fn list_layouts(
        &self,
        request: Request<pb::ListLayoutsRequest>,
    ) -> Reply<pb::ListLayoutsResponse> {
        layout::list_layouts(&self.app, request.into_inner()).await
    }

    type FindContainerLayoutsStream = Items<pb::FindContainerLayoutsResponse>;

    async fn find_container_layouts(
        &self,
        request: Request<pb::FindContainerLayoutsRequest>,
    ) -> Reply<Self::FindContainerLayoutsStream> {
        layout::find_container_layouts(&self.app, request.into_inner()).await
    }

    type TileAOIStream = Items<pb::TileAoiResponse>;

    async fn tile_aoi(&self, request: Request<pb::TileAoiRequest>) -> Reply<Self::TileAOIStream> {
        tiling::tile_aoi(&self.app, request.into_inner()).await
    }

    async fn create_grid(
        &self,
        request: Request<Streaming<pb::CreateGridRequest>>,
    ) -> Reply<pb::CreateGridResponse> {
        grid::create_grid(&self.app, request.into_inner()).await
    }

    async fn delete_grid(
        &self,
        request: Request<pb::DeleteGridRequest>,
    ) -> Reply<pb::DeleteGridResponse> {
        grid::delete_grid(&self.app, request.into_inner()).await
    }

    async fn list_grids(
        &self,
        request: Request<pb::ListGridsRequest>,
    ) -> Reply<pb::ListGridsResponse> {
        grid::list_grids(&self.app, request.into_inner()).await
    }

    async fn version(
        &self,
        _request: Request<pb::GetVersionRequest>,
    ) -> Reply<pb::GetVersionResponse> {
        reply(version())
    }
}
