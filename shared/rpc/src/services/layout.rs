//! Layouts.

use super::reply::{Checked, Reply, reply};
use super::stream::{self, Items};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;

pub(super) async fn create_layout(
    app: &App,
    request: pb::CreateLayoutRequest,
) -> Reply<pb::CreateLayoutResponse> {
    let layout = convert::stored_layout(request.layout).checked()?;
    app.create_layout(&layout).await.map_err(status)?;
    reply(pb::CreateLayoutResponse {})
}

pub(super) async fn delete_layout(
    app: &App,
    request: pb::DeleteLayoutRequest,
) -> Reply<pb::DeleteLayoutResponse> {
    let name = convert::text("name", request.name).checked()?;
    app.delete_layout(&name).await.map_err(status)?;
    reply(pb::DeleteLayoutResponse {})
}

pub(super) async fn list_layouts(
    app: &App,
    request: pb::ListLayoutsRequest,
) -> Reply<pb::ListLayoutsResponse> {
    let name = convert::pattern("name_like", &request.name_like).checked()?;
    let layouts = app.list_layouts(name.as_ref()).await.map_err(status)?;
    reply(pb::ListLayoutsResponse {
        layouts: layouts.into_iter().map(convert::layout_to).collect(),
    })
}

pub(super) async fn find_container_layouts(
    app: &App,
    request: pb::FindContainerLayoutsRequest,
) -> Reply<Items<pb::FindContainerLayoutsResponse>> {
    let query = convert::layout_query(request, app.limits()).checked()?;
    let layouts = app.find_container_layouts(query).await.map_err(status)?;
    Ok(stream::items(layouts, convert::followed_layout_to))
}
