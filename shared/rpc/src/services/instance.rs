//! Instances of variables.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use domain::InstanceId;

pub(super) async fn instantiate_variable(
    app: &App,
    request: pb::InstantiateVariableRequest,
) -> Reply<pb::InstantiateVariableResponse> {
    let (variable_id, name, metadata) = convert::new_instance(request, app.limits()).checked()?;
    let instance = app
        .instantiate_variable(variable_id, name, metadata)
        .await
        .map_err(status)?;
    reply(pb::InstantiateVariableResponse {
        instance: Some(convert::instance_to(instance)),
    })
}

pub(super) async fn update_instance(
    app: &App,
    request: pb::UpdateInstanceRequest,
) -> Reply<pb::UpdateInstanceResponse> {
    let (id, update) = convert::instance_update(request, app.limits()).checked()?;
    app.update_instance(id, update).await.map_err(status)?;
    reply(pb::UpdateInstanceResponse {})
}

pub(super) async fn delete_instance(
    app: &App,
    request: pb::DeleteInstanceRequest,
) -> Reply<pb::DeleteInstanceResponse> {
    let id = InstanceId::parse(&request.id).checked()?;
    app.delete_instance(id).await.map_err(status)?;
    reply(pb::DeleteInstanceResponse {})
}
