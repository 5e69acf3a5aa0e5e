//! The service `geocube.Admin`.

use super::dataset;
use super::reply::{Reply, reply};
use crate::convert;
use crate::pb::{self, admin_server::Admin};
use crate::status::status;
use app::App;
use tonic::Request;

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
    async fn tidy_db(&self, request: Request<pb::TidyDbRequest>) -> Reply<pb::TidyDbResponse> {
        let request = request.into_inner();
        let kinds = convert::kinds_to_tidy(request);
        let counts = self.app.tidy(&kinds, request.simulate).await;
        reply(convert::tidy_counts_to(&counts.map_err(status)?))
    }

    async fn update_datasets(
        &self,
        request: Request<pb::UpdateDatasetsRequest>,
    ) -> Reply<pb::UpdateDatasetsResponse> {
        dataset::update_datasets(&self.app, request.into_inner()).await
    }

    async fn delete_datasets(
        &self,
        request: Request<pb::DeleteDatasetsRequest>,
    ) -> Reply<pb::DeleteDatasetsResponse> {
        dataset::delete_datasets(&self.app, request.into_inner()).await
    }
}
