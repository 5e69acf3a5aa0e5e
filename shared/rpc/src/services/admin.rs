//! The service `geocube.Admin`.

use super::dataset;
use super::reply::Reply;
use crate::pb::{self, admin_server::Admin};
use app::App;
use tonic::{Request, Status};

/// Handlers of `geocube.Admin`.
#[derive(Clone, Debug)]
pub struct AdminService {
    app: App,
}

impl AdminService {
    /// Serves the use cases of `app`.
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn tidy_db(&self, _request: Request<pb::TidyDbRequest>) -> Reply<pb::TidyDbResponse> {
        Err(Status::unimplemented("TidyDB is not served yet"))
    }

    async fn update_datasets(
        &self,
        _request: Request<pb::UpdateDatasetsRequest>,
    ) -> Reply<pb::UpdateDatasetsResponse> {
        Err(Status::unimplemented("UpdateDatasets is not served yet"))
    }

    async fn delete_datasets(
        &self,
        request: Request<pb::DeleteDatasetsRequest>,
    ) -> Reply<pb::DeleteDatasetsResponse> {
        dataset::delete_datasets(&self.app, request.into_inner()).await
    }
}
