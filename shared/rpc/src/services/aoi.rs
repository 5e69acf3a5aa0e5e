//! Footprints.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use domain::AoiId;

pub(super) async fn create_aoi(
    app: &App,
    request: pb::CreateAoiRequest,
) -> Reply<pb::CreateAoiResponse> {
    let aoi = request.aoi.unwrap_or_default();
    let aoi = convert::aoi_from(aoi, app.limits().aoi_vertices).checked()?;
    let id = app.create_aoi(aoi).await.map_err(status)?;
    reply(pb::CreateAoiResponse { id: id.to_string() })
}

pub(super) async fn get_aoi(app: &App, request: pb::GetAoiRequest) -> Reply<pb::GetAoiResponse> {
    let id = AoiId::parse(&request.id).checked()?;
    let aoi = app.aoi(id).await.map_err(status)?;
    reply(pb::GetAoiResponse {
        aoi: Some(convert::aoi_to(&aoi)),
    })
}
