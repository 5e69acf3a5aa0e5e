//! Custom grids.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::oversize::unread;
use crate::pb;
use crate::status::status;
use app::{App, GridSummary, NewGrid};
use tonic::Streaming;

pub(super) async fn create_grid(
    app: &App,
    mut pieces: Streaming<pb::CreateGridRequest>,
) -> Reply<pb::CreateGridResponse> {
    let mut grid = NewGrid::default();
    while let Some(piece) = pieces.message().await.map_err(unread)? {
        convert::add_cells(&mut grid, piece, app.limits()).checked()?;
    }
    app.create_grid(grid).await.map_err(status)?;
    reply(pb::CreateGridResponse {})
}

pub(super) async fn delete_grid(
    app: &App,
    request: pb::DeleteGridRequest,
) -> Reply<pb::DeleteGridResponse> {
    let name = convert::text("name", request.name).checked()?;
    app.delete_grid(&name).await.map_err(status)?;
    reply(pb::DeleteGridResponse {})
}

pub(super) async fn list_grids(
    app: &App,
    request: pb::ListGridsRequest,
) -> Reply<pb::ListGridsResponse> {
    let name = convert::pattern("name_like", &request.name_like).checked()?;
    let grids = app.list_grids(name.as_ref()).await.map_err(status)?;
    let summary = |grid: GridSummary| pb::Grid {
        name: grid.name,
        description: grid.description,
        cells: Vec::new(),
    };
    reply(pb::ListGridsResponse {
        grids: grids.into_iter().map(summary).collect(),
    })
}
