//! Palettes.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;

pub(super) async fn create_palette(
    app: &App,
    request: pb::CreatePaletteRequest,
) -> Reply<pb::CreatePaletteResponse> {
    let pb::CreatePaletteRequest { palette, replace } = request;
    let palette = convert::palette_from(palette).checked()?;
    app.create_palette(&palette, replace)
        .await
        .map_err(status)?;
    reply(pb::CreatePaletteResponse {})
}
