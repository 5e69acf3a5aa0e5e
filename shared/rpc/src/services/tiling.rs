//! Tiles of an area of interest.

use super::reply::{Checked, Reply};
use super::stream::{self, Items};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;

pub(super) async fn tile_aoi(
    app: &App,
    request: pb::TileAoiRequest,
) -> Reply<Items<pb::TileAoiResponse>> {
    use pb::tile_aoi_request::Identifier;
    let aoi =
        convert::aoi_from(request.aoi.unwrap_or_default(), app.limits().aoi_vertices).checked()?;
    let layout = match request.identifier {
        Some(Identifier::Layout(layout)) => convert::inline_layout(layout).checked()?,
        Some(Identifier::LayoutName(name)) => app
            .layout(&convert::text("layout_name", name).checked()?)
            .await
            .map_err(status)?,
        None => app.layout("").await.map_err(status)?,
    };
    let tiles = app.tile_aoi(aoi, &layout).await.map_err(status)?;
    Ok(stream::items(tiles, convert::tiles_to))
}
