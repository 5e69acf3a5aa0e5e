//! Variables.

use super::reply::{Checked, Reply, reply};
use super::stream::{self, Items};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use domain::VariableId;

pub(super) async fn create_variable(
    app: &App,
    request: pb::CreateVariableRequest,
) -> Reply<pb::CreateVariableResponse> {
    let definition = convert::new_variable(request.variable).checked()?;
    let id = app.create_variable(definition).await.map_err(status)?;
    reply(pb::CreateVariableResponse { id: id.to_string() })
}

pub(super) async fn get_variable(
    app: &App,
    request: pb::GetVariableRequest,
) -> Reply<pb::GetVariableResponse> {
    let key = convert::variable_key(request).checked()?;
    let variable = app.variable(&key).await.map_err(status)?;
    reply(pb::GetVariableResponse {
        variable: Some(convert::variable_to(variable)),
    })
}

pub(super) async fn update_variable(
    app: &App,
    request: pb::UpdateVariableRequest,
) -> Reply<pb::UpdateVariableResponse> {
    let (id, update) = convert::variable_update(request).checked()?;
    app.update_variable(id, update).await.map_err(status)?;
    reply(pb::UpdateVariableResponse {})
}

pub(super) async fn delete_variable(
    app: &App,
    request: pb::DeleteVariableRequest,
) -> Reply<pb::DeleteVariableResponse> {
    let id = VariableId::parse(&request.id).checked()?;
    app.delete_variable(id).await.map_err(status)?;
    reply(pb::DeleteVariableResponse {})
}

pub(super) async fn list_variables(
    app: &App,
    request: pb::ListVariablesRequest,
) -> Reply<Items<pb::ListVariablesResponseItem>> {
    let pb::ListVariablesRequest { name, limit, page } = request;
    let page = convert::page(limit, page).checked()?;
    let name = convert::pattern("name", &name).checked()?;
    let variables = app.list_variables(name, page).await.map_err(status)?;
    let item = |variable| pb::ListVariablesResponseItem {
        variable: Some(convert::variable_to(variable)),
    };
    Ok(stream::items(variables, item))
}
