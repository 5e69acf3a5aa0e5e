//! Consolidation parameters.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use domain::VariableId;

pub(super) async fn config_consolidation(
    app: &App,
    request: pb::ConfigConsolidationRequest,
) -> Reply<pb::ConfigConsolidationResponse> {
    let id = VariableId::parse(&request.variable_id).checked()?;
    let params = convert::params_from(request.consolidation_params).checked()?;
    app.config_consolidation(id, params).await.map_err(status)?;
    reply(pb::ConfigConsolidationResponse {})
}

pub(super) async fn get_consolidation_params(
    app: &App,
    request: pb::GetConsolidationParamsRequest,
) -> Reply<pb::GetConsolidationParamsResponse> {
    let id = VariableId::parse(&request.variable_id).checked()?;
    let params = app.consolidation_params(id).await.map_err(status)?;
    reply(pb::GetConsolidationParamsResponse {
        consolidation_params: Some(convert::params_to(params)),
    })
}
