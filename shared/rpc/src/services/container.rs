//! Containers.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::{App, Limits};

pub(super) async fn get_containers(
    app: &App,
    request: pb::GetContainersRequest,
) -> Reply<pb::GetContainersResponse> {
    let uris = request.uris;
    let limit = app.limits().ids_per_request as u64;
    let what = "uris in one request (maxRecords)";
    Limits::check(what, uris.len() as u64, limit).checked()?;
    let containers = app.containers(&uris).await.map_err(status)?;
    reply(pb::GetContainersResponse {
        containers: containers.into_iter().map(convert::container_to).collect(),
    })
}

pub(super) async fn index_datasets(
    app: &App,
    request: pb::IndexDatasetsRequest,
) -> Reply<pb::IndexDatasetsResponse> {
    let container = convert::new_container(request.container, app.limits()).checked()?;
    app.index(container).await.map_err(status)?;
    reply(pb::IndexDatasetsResponse {})
}
