//! Changes and deletion of variables and instances.

use super::variables::{BYTES, get};
use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, refused_on, resource};
use crate::harness::catalogue::{UNKNOWN, dataset, map};
use rpc::pb::get_variable_request::Identifier;
use rpc::pb::{self, Resampling};
use tonic::Code;

#[tokio::test]
async fn variables_and_instances_are_changed_attribute_by_attribute() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (id, instance) = server.variable("v", BYTES, 1).await;
    server.variable("taken", BYTES, 1).await;
    let update =
        async |request: pb::UpdateVariableRequest| server.client().update_variable(request).await;
    let of = |id: &str| pb::UpdateVariableRequest {
        id: id.to_owned(),
        ..Default::default()
    };
    update(of(&id)).await.unwrap();
    invalid(
        update(pb::UpdateVariableRequest {
            name: Some(String::new()),
            ..of(&id)
        })
        .await,
        ".name",
    );
    invalid(
        update(pb::UpdateVariableRequest {
            resampling_alg: 99,
            ..of(&id)
        })
        .await,
        "resampling",
    );
    let taken = update(pb::UpdateVariableRequest {
        name: Some("taken".to_owned()),
        ..of(&id)
    })
    .await;
    refused(taken, Code::AlreadyExists, "Variable with name");
    let palette = update(pb::UpdateVariableRequest {
        palette: Some("none".to_owned()),
        ..of(&id)
    })
    .await;
    refused_on(
        palette,
        Code::NotFound,
        "Palette with name: none",
        "Palette",
        "none",
    );
    refused(
        update(of(UNKNOWN)).await,
        Code::NotFound,
        "Variable with id",
    );
    let change = pb::UpdateVariableRequest {
        unit: Some("m".to_owned()),
        resampling_alg: 3,
        ..of(&id)
    };
    update(change).await.unwrap();
    let variable = id.clone();
    let found = get(&server, Identifier::Id(id)).await.unwrap();
    assert_eq!(
        (
            found.name.as_str(),
            found.unit.as_str(),
            found.resampling_alg()
        ),
        ("v", "m", Resampling::Cubic)
    );

    let edit = async |id: &str, name: Option<&str>, add: &[(&str, &str)], delete: &[&str]| {
        let request = pb::UpdateInstanceRequest {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            add_metadata: map(add),
            del_metadata_keys: delete.iter().map(|key| (*key).to_owned()).collect(),
        };
        server.client().update_instance(request).await
    };
    edit(&instance, None, &[("k", "v")], &[]).await.unwrap();
    edit(
        &instance,
        Some("renamed"),
        &[("x", "y")],
        &["k", "y", "absent"],
    )
    .await
    .unwrap();
    invalid(
        edit(&instance, Some("a/b"), &[], &[]).await,
        "Instance.name",
    );
    refused(
        edit(UNKNOWN, None, &[], &[]).await,
        Code::NotFound,
        "Variable Instance with id",
    );
    server.instantiate(&variable, "other").await.unwrap();
    refused_on(
        edit(&instance, Some("other"), &[], &[]).await,
        Code::AlreadyExists,
        "Instance with name: other",
        "Instance",
        "other",
    );
    let found = get(&server, Identifier::InstanceId(instance))
        .await
        .unwrap()
        .instances
        .remove(0);
    assert_eq!(
        (found.name.as_str(), found.metadata),
        ("renamed", map(&[("x", "y")]))
    );
}

#[tokio::test]
async fn variables_and_instances_that_have_datasets_stay() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !crate::harness::raster::have_gdal() {
        return;
    }
    let (id, used) = server.variable("v", BYTES, 1).await;
    let free = server.instantiate(&id, "free").await.unwrap();
    let record = server.record("r", 0).await;
    crate::harness::raster::Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &used, BYTES, &[1])],
        )
        .await
        .unwrap();

    let delete = async |id: &str| {
        server
            .client()
            .delete_variable(pb::DeleteVariableRequest { id: id.to_owned() })
            .await
    };
    let text = format!("variable_instances and datasets with id: {used}");
    let status = refused(delete(&id).await, Code::FailedPrecondition, &text);
    assert_eq!(
        resource(&status),
        (
            "datasets".to_owned(),
            used.clone(),
            "variable_instances".to_owned()
        )
    );
    assert_eq!(
        get(&server, Identifier::Id(id.clone()))
            .await
            .unwrap()
            .instances
            .len(),
        2
    );

    let drop = async |id: &str| {
        server
            .client()
            .delete_instance(pb::DeleteInstanceRequest { id: id.to_owned() })
            .await
    };
    refused(drop(&used).await, Code::FailedPrecondition, &text);
    drop(&free).await.unwrap();
    refused(drop(&free).await, Code::NotFound, "");
    refused(delete(UNKNOWN).await, Code::NotFound, "Variable with id");
    let (spare, _) = server.variable("spare", BYTES, 1).await;
    delete(&spare).await.unwrap();
    let left = items(
        server
            .client()
            .list_variables(pb::ListVariablesRequest::default())
            .await,
    )
    .await
    .unwrap();
    assert_eq!(left.len(), 1);
    let page = pb::ListVariablesRequest {
        limit: -1,
        ..Default::default()
    };
    invalid(
        items(server.client().list_variables(page).await).await,
        "limit",
    );
}
