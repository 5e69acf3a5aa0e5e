//! The service `geocube.Geocube`.

use super::{
    cube,
    stream::{self, Items},
};
use crate::convert;
use crate::oversize::oversized;
use crate::pb::{self, geocube_server::Geocube};
use crate::status::{domain_status as invalid, status};
use app::job::{JobQuery, NewConsolidation, NewDeletion};
use app::{App, GridSummary, NewGrid};
use domain::{AoiId, InstanceId, JobId, RecordFilters, RecordId, RecordSelection, VariableId};
use tonic::{Request, Response, Status, Streaming};

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

    fn record_ids(&self, texts: &[String]) -> Result<Vec<RecordId>, Status> {
        convert::ids(texts, RecordId::parse, self.app.limits()).map_err(|error| invalid(&error))
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "the last expression of every handler"
)]
fn reply<T>(message: T) -> Reply<T> {
    Ok(Response::new(message))
}

trait Checked<T> {
    /// A conversion that failed is the caller's mistake.
    fn checked(self) -> Result<T, Status>;
}

impl<T> Checked<T> for domain::Result<T> {
    fn checked(self) -> Result<T, Status> {
        self.map_err(|error| invalid(&error))
    }
}

#[tonic::async_trait]
impl Geocube for GeocubeService {
    async fn create_aoi(
        &self,
        request: Request<pb::CreateAoiRequest>,
    ) -> Reply<pb::CreateAoiResponse> {
        let aoi = request.into_inner().aoi.unwrap_or_default();
        let aoi = convert::aoi_from(aoi, self.app.limits().aoi_vertices).checked()?;
        let id = self.app.create_aoi(aoi).await.map_err(status)?;
        reply(pb::CreateAoiResponse { id: id.to_string() })
    }

    async fn get_aoi(&self, request: Request<pb::GetAoiRequest>) -> Reply<pb::GetAoiResponse> {
        let id = AoiId::parse(&request.into_inner().id).checked()?;
        let aoi = self.app.aoi(id).await.map_err(status)?;
        reply(pb::GetAoiResponse {
            aoi: Some(convert::aoi_to(&aoi)),
        })
    }

    async fn create_records(
        &self,
        request: Request<pb::CreateRecordsRequest>,
    ) -> Reply<pb::CreateRecordsResponse> {
        let records = request.into_inner().records;
        let limit = self.app.limits().records_per_request as u64;
        let what = "records in one request (maxRecords)";
        app::Limits::check(what, records.len() as u64, limit).checked()?;
        let records = records
            .into_iter()
            .map(|record| convert::new_record(record, self.app.limits()))
            .collect::<domain::Result<Vec<_>>>()
            .checked()?;
        let ids = self.app.create_records(records).await.map_err(status)?;
        reply(pb::CreateRecordsResponse {
            ids: ids.iter().map(ToString::to_string).collect(),
        })
    }

    type GetRecordsStream = Items<pb::GetRecordsResponseItem>;

    async fn get_records(
        &self,
        request: Request<pb::GetRecordsRequest>,
    ) -> Reply<Self::GetRecordsStream> {
        let ids = self.record_ids(&request.into_inner().ids)?;
        let records = self.app.records(&ids).await.map_err(status)?;
        let item = |record| pb::GetRecordsResponseItem {
            record: Some(convert::record_to(record)),
        };
        Ok(stream::items(records, item))
    }

    type ListRecordsStream = Items<pb::ListRecordsResponseItem>;

    async fn list_records(
        &self,
        request: Request<pb::ListRecordsRequest>,
    ) -> Reply<Self::ListRecordsStream> {
        let query = convert::record_query(request.into_inner(), self.app.limits()).checked()?;
        let records = self.app.list_records(query).await.map_err(status)?;
        let item = |record| pb::ListRecordsResponseItem {
            record: Some(convert::record_to(record)),
        };
        Ok(stream::items(records, item))
    }

    async fn add_records_tags(
        &self,
        request: Request<pb::AddRecordsTagsRequest>,
    ) -> Reply<pb::AddRecordsTagsResponse> {
        let pb::AddRecordsTagsRequest { ids, tags } = request.into_inner();
        let ids = self.record_ids(&ids)?;
        let tags = convert::tags(tags, self.app.limits()).checked()?;
        let nb = self
            .app
            .add_records_tags(&ids, &tags)
            .await
            .map_err(status)?;
        reply(pb::AddRecordsTagsResponse { nb: nb as i64 })
    }

    async fn remove_records_tags(
        &self,
        request: Request<pb::RemoveRecordsTagsRequest>,
    ) -> Reply<pb::RemoveRecordsTagsResponse> {
        let pb::RemoveRecordsTagsRequest { ids, tags_key } = request.into_inner();
        let ids = self.record_ids(&ids)?;
        let keys = convert::tag_keys(tags_key, self.app.limits()).checked()?;
        let nb = self
            .app
            .remove_records_tags(&ids, &keys)
            .await
            .map_err(status)?;
        reply(pb::RemoveRecordsTagsResponse { nb: nb as i64 })
    }

    async fn delete_records(
        &self,
        request: Request<pb::DeleteRecordsRequest>,
    ) -> Reply<pb::DeleteRecordsResponse> {
        let pb::DeleteRecordsRequest { ids, no_fail } = request.into_inner();
        let ids = self.record_ids(&ids)?;
        let nb = self
            .app
            .delete_records(&ids, no_fail)
            .await
            .map_err(status)?;
        reply(pb::DeleteRecordsResponse { nb: nb as i64 })
    }

    async fn create_variable(
        &self,
        request: Request<pb::CreateVariableRequest>,
    ) -> Reply<pb::CreateVariableResponse> {
        let definition = convert::new_variable(request.into_inner().variable).checked()?;
        let id = self.app.create_variable(definition).await.map_err(status)?;
        reply(pb::CreateVariableResponse { id: id.to_string() })
    }

    async fn get_variable(
        &self,
        request: Request<pb::GetVariableRequest>,
    ) -> Reply<pb::GetVariableResponse> {
        let key = convert::variable_key(request.into_inner()).checked()?;
        let variable = self.app.variable(&key).await.map_err(status)?;
        reply(pb::GetVariableResponse {
            variable: Some(convert::variable_to(variable)),
        })
    }

    async fn update_variable(
        &self,
        request: Request<pb::UpdateVariableRequest>,
    ) -> Reply<pb::UpdateVariableResponse> {
        let (id, update) = convert::variable_update(request.into_inner()).checked()?;
        self.app.update_variable(id, update).await.map_err(status)?;
        reply(pb::UpdateVariableResponse {})
    }

    async fn delete_variable(
        &self,
        request: Request<pb::DeleteVariableRequest>,
    ) -> Reply<pb::DeleteVariableResponse> {
        let id = VariableId::parse(&request.into_inner().id).checked()?;
        self.app.delete_variable(id).await.map_err(status)?;
        reply(pb::DeleteVariableResponse {})
    }

    type ListVariablesStream = Items<pb::ListVariablesResponseItem>;

    async fn list_variables(
        &self,
        request: Request<pb::ListVariablesRequest>,
    ) -> Reply<Self::ListVariablesStream> {
        let pb::ListVariablesRequest { name, limit, page } = request.into_inner();
        let page = convert::page(limit, page).checked()?;
        let name = convert::pattern("name", &name).checked()?;
        let variables = self.app.list_variables(name, page).await.map_err(status)?;
        let item = |variable| pb::ListVariablesResponseItem {
            variable: Some(convert::variable_to(variable)),
        };
        Ok(stream::items(variables, item))
    }

    async fn instantiate_variable(
        &self,
        request: Request<pb::InstantiateVariableRequest>,
    ) -> Reply<pb::InstantiateVariableResponse> {
        let request = request.into_inner();
        let (variable_id, name, metadata) = convert::new_instance(request).checked()?;
        let instance = self
            .app
            .instantiate_variable(variable_id, name, metadata)
            .await
            .map_err(status)?;
        reply(pb::InstantiateVariableResponse {
            instance: Some(convert::instance_to(instance)),
        })
    }

    async fn update_instance(
        &self,
        request: Request<pb::UpdateInstanceRequest>,
    ) -> Reply<pb::UpdateInstanceResponse> {
        let (id, update) = convert::instance_update(request.into_inner()).checked()?;
        self.app.update_instance(id, update).await.map_err(status)?;
        reply(pb::UpdateInstanceResponse {})
    }

    async fn delete_instance(
        &self,
        request: Request<pb::DeleteInstanceRequest>,
    ) -> Reply<pb::DeleteInstanceResponse> {
        let id = InstanceId::parse(&request.into_inner().id).checked()?;
        self.app.delete_instance(id).await.map_err(status)?;
        reply(pb::DeleteInstanceResponse {})
    }

    async fn create_palette(
        &self,
        request: Request<pb::CreatePaletteRequest>,
    ) -> Reply<pb::CreatePaletteResponse> {
        let pb::CreatePaletteRequest { palette, replace } = request.into_inner();
        let palette = convert::palette_from(palette).checked()?;
        self.app
            .create_palette(&palette, replace)
            .await
            .map_err(status)?;
        reply(pb::CreatePaletteResponse {})
    }

    async fn get_containers(
        &self,
        request: Request<pb::GetContainersRequest>,
    ) -> Reply<pb::GetContainersResponse> {
        let uris = request.into_inner().uris;
        let limit = self.app.limits().ids_per_request as u64;
        let what = "uris in one request (maxRecords)";
        app::Limits::check(what, uris.len() as u64, limit).checked()?;
        let containers = self.app.containers(&uris).await.map_err(status)?;
        reply(pb::GetContainersResponse {
            containers: containers.into_iter().map(convert::container_to).collect(),
        })
    }

    async fn index_datasets(
        &self,
        request: Request<pb::IndexDatasetsRequest>,
    ) -> Reply<pb::IndexDatasetsResponse> {
        let container =
            convert::new_container(request.into_inner().container, self.app.limits()).checked()?;
        self.app.index(container).await.map_err(status)?;
        reply(pb::IndexDatasetsResponse {})
    }

    async fn list_datasets(
        &self,
        request: Request<pb::ListDatasetsRequest>,
    ) -> Reply<pb::ListDatasetsResponse> {
        use pb::list_datasets_request::RecordsLister;
        let request = request.into_inner();
        let instance_id = InstanceId::parse(&request.instance_id).checked()?;
        let selection = match request.records_lister {
            Some(RecordsLister::Records(list)) if !list.ids.is_empty() => {
                RecordSelection::Ids(self.record_ids(&list.ids)?)
            }
            None | Some(RecordsLister::Records(_)) => {
                RecordSelection::Filters(RecordFilters::default())
            }
            Some(RecordsLister::Filters(filters)) => {
                let filters = convert::filters_from(Some(filters), self.app.limits());
                RecordSelection::Filters(filters.checked()?)
            }
        };
        let found = self
            .app
            .list_datasets(instance_id, &selection)
            .await
            .map_err(status)?;
        let (records, dataset_metas) = found
            .into_iter()
            .map(|found| {
                let meta = convert::dataset_meta_to(&found.sources);
                (convert::record_to((*found.record).clone()), meta)
            })
            .unzip();
        reply(pb::ListDatasetsResponse {
            records,
            dataset_metas,
        })
    }

    async fn delete_datasets(
        &self,
        request: Request<pb::DeleteDatasetsRequest>,
    ) -> Reply<pb::DeleteDatasetsResponse> {
        delete_datasets(&self.app, request.into_inner()).await
    }

    async fn config_consolidation(
        &self,
        request: Request<pb::ConfigConsolidationRequest>,
    ) -> Reply<pb::ConfigConsolidationResponse> {
        let request = request.into_inner();
        let id = VariableId::parse(&request.variable_id).checked()?;
        let params = convert::params_from(request.consolidation_params).checked()?;
        self.app
            .config_consolidation(id, params)
            .await
            .map_err(status)?;
        reply(pb::ConfigConsolidationResponse {})
    }

    async fn get_consolidation_params(
        &self,
        request: Request<pb::GetConsolidationParamsRequest>,
    ) -> Reply<pb::GetConsolidationParamsResponse> {
        let id = VariableId::parse(&request.into_inner().variable_id).checked()?;
        let params = self.app.consolidation_params(id).await.map_err(status)?;
        reply(pb::GetConsolidationParamsResponse {
            consolidation_params: Some(convert::params_to(params)),
        })
    }

    async fn consolidate(
        &self,
        request: Request<pb::ConsolidateRequest>,
    ) -> Reply<pb::ConsolidateResponse> {
        let consolidation: NewConsolidation =
            convert::new_consolidation(request.into_inner(), self.app.limits()).checked()?;
        let id = self.app.consolidate(consolidation).await.map_err(status)?;
        reply(pb::ConsolidateResponse {
            job_id: id.to_string(),
        })
    }

    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Reply<pb::ListJobsResponse> {
        let pb::ListJobsRequest {
            name_like,
            page,
            limit,
        } = request.into_inner();
        let query = JobQuery {
            name: convert::pattern("name_like", &name_like).checked()?,
            page: convert::page(limit, page).checked()?,
        };
        let jobs = self.app.list_jobs(&query).await.map_err(status)?;
        reply(pb::ListJobsResponse {
            jobs: jobs.into_iter().map(convert::job_to).collect(),
        })
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Reply<pb::GetJobResponse> {
        let pb::GetJobRequest {
            id,
            log_page,
            log_limit,
        } = request.into_inner();
        let id = JobId::parse(&id).checked()?;
        let (page, limit) = (log_page.max(0) as u64, log_limit.max(0) as u64);
        let job = self.app.job(id, page, limit).await.map_err(status)?;
        reply(pb::GetJobResponse {
            job: Some(convert::job_to(job)),
        })
    }

    async fn clean_jobs(
        &self,
        request: Request<pb::CleanJobsRequest>,
    ) -> Reply<pb::CleanJobsResponse> {
        let pb::CleanJobsRequest { name_like, state } = request.into_inner();
        let name = convert::pattern("name_like", &name_like).checked()?;
        let count = self
            .app
            .clean_jobs(name.as_ref(), &state)
            .await
            .map_err(status)?;
        reply(pb::CleanJobsResponse {
            count: count as i32,
        })
    }

    async fn retry_job(
        &self,
        request: Request<pb::RetryJobRequest>,
    ) -> Reply<pb::RetryJobResponse> {
        let pb::RetryJobRequest {
            id,
            force_any_state,
        } = request.into_inner();
        let id = JobId::parse(&id).checked()?;
        self.app
            .retry_job(id, force_any_state)
            .await
            .map_err(status)?;
        reply(pb::RetryJobResponse {})
    }

    async fn cancel_job(
        &self,
        request: Request<pb::CancelJobRequest>,
    ) -> Reply<pb::CancelJobResponse> {
        let pb::CancelJobRequest {
            id,
            force_any_state,
        } = request.into_inner();
        let id = JobId::parse(&id).checked()?;
        self.app
            .cancel_job(id, force_any_state)
            .await
            .map_err(status)?;
        reply(pb::CancelJobResponse {})
    }

    async fn continue_job(
        &self,
        request: Request<pb::ContinueJobRequest>,
    ) -> Reply<pb::ContinueJobResponse> {
        let id = JobId::parse(&request.into_inner().id).checked()?;
        self.app.continue_job(id).await.map_err(status)?;
        reply(pb::ContinueJobResponse {})
    }

    type GetCubeStream = Items<pb::GetCubeResponse>;

    async fn get_cube(&self, request: Request<pb::GetCubeRequest>) -> Reply<Self::GetCubeStream> {
        cube::get_cube(&self.app, request.into_inner()).await
    }

    async fn get_xyz_tile(
        &self,
        request: Request<pb::GetTileRequest>,
    ) -> Reply<pb::GetTileResponse> {
        let request = convert::tile_request(request.into_inner(), self.app.limits()).checked()?;
        let data = self.app.tile(request).await.map_err(status)?;
        reply(pb::GetTileResponse {
            image: Some(pb::ImageFile { data }),
        })
    }

    async fn create_layout(
        &self,
        request: Request<pb::CreateLayoutRequest>,
    ) -> Reply<pb::CreateLayoutResponse> {
        let layout = convert::stored_layout(request.into_inner().layout).checked()?;
        self.app.create_layout(&layout).await.map_err(status)?;
        reply(pb::CreateLayoutResponse {})
    }

    async fn delete_layout(
        &self,
        request: Request<pb::DeleteLayoutRequest>,
    ) -> Reply<pb::DeleteLayoutResponse> {
        let name = convert::text("name", request.into_inner().name).checked()?;
        self.app.delete_layout(&name).await.map_err(status)?;
        reply(pb::DeleteLayoutResponse {})
    }

    async fn list_layouts(
        &self,
        request: Request<pb::ListLayoutsRequest>,
    ) -> Reply<pb::ListLayoutsResponse> {
        let name = convert::pattern("name_like", &request.into_inner().name_like).checked()?;
        let layouts = self.app.list_layouts(name.as_ref()).await.map_err(status)?;
        reply(pb::ListLayoutsResponse {
            layouts: layouts.into_iter().map(convert::layout_to).collect(),
        })
    }

    type FindContainerLayoutsStream = Items<pb::FindContainerLayoutsResponse>;

    async fn find_container_layouts(
        &self,
        _request: Request<pb::FindContainerLayoutsRequest>,
    ) -> Reply<Self::FindContainerLayoutsStream> {
        Err(Status::unimplemented(
            "FindContainerLayouts is not served yet",
        ))
    }

    type TileAOIStream = Items<pb::TileAoiResponse>;

    async fn tile_aoi(&self, request: Request<pb::TileAoiRequest>) -> Reply<Self::TileAOIStream> {
        use pb::tile_aoi_request::Identifier;
        let request = request.into_inner();
        let aoi = convert::aoi_from(
            request.aoi.unwrap_or_default(),
            self.app.limits().aoi_vertices,
        )
        .checked()?;
        let layout = match request.identifier {
            Some(Identifier::Layout(layout)) => convert::inline_layout(layout).checked()?,
            Some(Identifier::LayoutName(name)) => self
                .app
                .layout(&convert::text("layout_name", name).checked()?)
                .await
                .map_err(status)?,
            None => self.app.layout("").await.map_err(status)?,
        };
        let tiles = self.app.tile_aoi(aoi, &layout).await.map_err(status)?;
        Ok(stream::items(tiles, convert::tiles_to))
    }

    async fn create_grid(
        &self,
        request: Request<Streaming<pb::CreateGridRequest>>,
    ) -> Reply<pb::CreateGridResponse> {
        let mut pieces = request.into_inner();
        let mut grid = NewGrid::default();
        while let Some(piece) = pieces.message().await.map_err(oversized)? {
            convert::add_cells(&mut grid, piece, self.app.limits()).checked()?;
        }
        self.app.create_grid(grid).await.map_err(status)?;
        reply(pb::CreateGridResponse {})
    }

    async fn delete_grid(
        &self,
        request: Request<pb::DeleteGridRequest>,
    ) -> Reply<pb::DeleteGridResponse> {
        let name = convert::text("name", request.into_inner().name).checked()?;
        self.app.delete_grid(&name).await.map_err(status)?;
        reply(pb::DeleteGridResponse {})
    }

    async fn list_grids(
        &self,
        request: Request<pb::ListGridsRequest>,
    ) -> Reply<pb::ListGridsResponse> {
        let name = convert::pattern("name_like", &request.into_inner().name_like).checked()?;
        let grids = self.app.list_grids(name.as_ref()).await.map_err(status)?;
        let summary = |grid: GridSummary| pb::Grid {
            name: grid.name,
            description: grid.description,
            cells: Vec::new(),
        };
        reply(pb::ListGridsResponse {
            grids: grids.into_iter().map(summary).collect(),
        })
    }

    async fn version(
        &self,
        _request: Request<pb::GetVersionRequest>,
    ) -> Reply<pb::GetVersionResponse> {
        reply(pb::GetVersionResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// Starts a deletion; both services offer it.
pub(super) async fn delete_datasets(
    app: &App,
    request: pb::DeleteDatasetsRequest,
) -> Reply<pb::DeleteDatasetsResponse> {
    let deletion: NewDeletion = convert::new_deletion(request, app.limits()).checked()?;
    let job = app.delete_datasets(deletion).await.map_err(status)?;
    reply(pb::DeleteDatasetsResponse {
        job: Some(convert::job_to(job)),
    })
}
