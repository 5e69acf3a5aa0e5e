//! Tiles of web maps.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;

pub(super) async fn get_xyz_tile(
    app: &App,
    request: pb::GetTileRequest,
) -> Reply<pb::GetTileResponse> {
    let request = convert::tile_request(request, app.limits()).checked()?;
    let data = app.tile(request).await.map_err(status)?;
    reply(pb::GetTileResponse {
        image: Some(pb::ImageFile { data }),
    })
}
