use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, refused_on, resource};
use crate::harness::catalogue::{UNKNOWN, dataset, format, map, new_variable};
use rpc::pb::data_format::Dtype;
use rpc::pb::get_variable_request::Identifier;
use rpc::pb::{self, Resampling};
use tonic::{Code, Status};

const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

async fn get(server: &Server, identifier: Identifier) -> Result<pb::Variable, Status> {
    let request = pb::GetVariableRequest {
        identifier: Some(identifier),
    };
    Ok(server
        .client()
        .get_variable(request)
        .await?
        .into_inner()
        .variable
        .unwrap())
}

#[tokio::test]
async fn malformed_variables_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let fine = || new_variable("v", BYTES, 1);
    let undefined = "Resampling algorithm cannot be undefined";
    let bands = |names: &[&str]| pb::Variable {
        bands: names.iter().map(|name| (*name).to_owned()).collect(),
        ..fine()
    };
    let float = |min, max| new_variable("v", format(Dtype::Float32, f64::NAN, min, max), 1);
    let byte = |no_data, min, max| new_variable("v", format(Dtype::UInt8, no_data, min, max), 1);
    let number = |dtype| pb::Variable {
        dformat: Some(pb::DataFormat { dtype, ..BYTES }),
        ..fine()
    };
    for (what, fragment, malformed) in [
        (
            "no kernel",
            undefined,
            pb::Variable {
                resampling_alg: 0,
                ..fine()
            },
        ),
        (
            "kernel 99",
            "resampling",
            pb::Variable {
                resampling_alg: 99,
                ..fine()
            },
        ),
        (
            "no format",
            "dformat",
            pb::Variable {
                dformat: None,
                ..fine()
            },
        ),
        ("no band", "band", bands(&[])),
        ("an empty band among two", "band", bands(&["a", ""])),
        ("twice a band", "band", bands(&["a", "a"])),
        (
            "name",
            "Name",
            pb::Variable {
                name: "a b".to_owned(),
                ..fine()
            },
        ),
        (
            "NUL",
            "unit",
            pb::Variable {
                unit: "\0".to_owned(),
                ..fine()
            },
        ),
        (
            "palette name",
            "alette",
            pb::Variable {
                palette: "a b".to_owned(),
                ..fine()
            },
        ),
        ("empty interval", "", float(1., 1.)),
        ("above the type", "", byte(0., 0., 256.)),
        ("nodata below the type", "", byte(-1., 0., 255.)),
        ("NaN minimum", "", float(f64::NAN, 1.)),
        ("infinite maximum", "", float(0., f64::INFINITY)),
        (
            "infinite nodata",
            "",
            new_variable("v", format(Dtype::Float32, f64::INFINITY, 0., 1.), 1),
        ),
        ("undefined type", "dtype", number(0)),
        ("type 42", "dtype", number(42)),
        ("type 99", "dtype", number(99)),
    ] {
        let status = refused(
            server.create_variable(malformed).await,
            Code::InvalidArgument,
            "",
        );
        let message = status.message().to_lowercase();
        assert!(
            message.contains(&fragment.to_lowercase()),
            "{what}: {message}"
        );
    }
    invalid(
        server
            .client()
            .create_variable(pb::CreateVariableRequest::default())
            .await,
        undefined,
    );
}

#[tokio::test]
async fn every_sample_type_and_nodata_is_kept() {
    let Some(server) = Server::start().await else {
        return;
    };
    for (name, dtype, no_data) in [
        ("uint8", Dtype::UInt8, f64::NAN),
        ("uint8-fraction", Dtype::UInt8, 1.5),
        ("uint16", Dtype::UInt16, 65535.),
        ("uint32", Dtype::UInt32, 0.),
        ("int8", Dtype::Int8, -128.),
        ("int16", Dtype::Int16, -1.),
        ("int32", Dtype::Int32, -1.),
        ("float32", Dtype::Float32, f64::NAN),
        ("float64", Dtype::Float64, -9999.),
        ("complex64", Dtype::Complex64, f64::NAN),
    ] {
        let given = format(dtype, no_data, 0., 100.);
        let id = server
            .create_variable(new_variable(name, given, 1))
            .await
            .unwrap();
        let found = get(&server, Identifier::Id(id))
            .await
            .unwrap()
            .dformat
            .unwrap();
        assert_eq!(
            (found.dtype, found.min_value, found.max_value),
            (given.dtype, 0., 100.),
            "{name}"
        );
        assert!(
            found.no_data == no_data || found.no_data.is_nan() && no_data.is_nan(),
            "{name}"
        );
    }
    let unnamed = pb::Variable {
        bands: vec![String::new()],
        ..new_variable("unnamed-band", BYTES, 1)
    };
    server.create_variable(unnamed).await.unwrap();
}

#[tokio::test]
async fn names_of_variables_and_of_their_instances_are_unique() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (id, instance) = server.variable("v/ndvi", BYTES, 1).await;
    let again = server
        .create_variable(new_variable("v/ndvi", BYTES, 1))
        .await;
    refused_on(
        again,
        Code::AlreadyExists,
        "Variable with name: v/ndvi",
        "Variable",
        "v/ndvi",
    );
    let text = "Instance with name: v/ndvi:master";
    refused(
        server.instantiate(&id, "master").await,
        Code::AlreadyExists,
        text,
    );
    invalid(server.instantiate(&id, "a/b").await, "Instance.name");
    invalid(server.instantiate("x", "a/b").await, "Instance.name");
    invalid(server.instantiate("x", "ab").await, "Invalid Variable.uuid");
    refused(
        server.instantiate(UNKNOWN, "ab").await,
        Code::NotFound,
        &format!("Variable with id: {UNKNOWN}"),
    );

    server.instantiate(&id, "second").await.unwrap();
    assert_eq!(
        get(&server, Identifier::Name("v/ndvi".to_owned()))
            .await
            .unwrap()
            .instances
            .len(),
        2
    );
    let found = get(&server, Identifier::InstanceId(instance.clone()))
        .await
        .unwrap();
    assert_eq!(
        (found.id, found.instances.len(), &found.instances[0].id),
        (id, 1, &instance)
    );
}

#[tokio::test]
async fn variables_are_looked_up_by_one_key() {
    let Some(server) = Server::start().await else {
        return;
    };
    let none = "GetVariable: all parameters are empty";
    invalid(
        server
            .client()
            .get_variable(pb::GetVariableRequest::default())
            .await,
        none,
    );
    for empty in [
        Identifier::Id(String::new()),
        Identifier::Name(String::new()),
        Identifier::InstanceId(String::new()),
    ] {
        invalid(get(&server, empty).await, none);
    }
    invalid(
        get(&server, Identifier::Id("x".to_owned())).await,
        "Invalid Variable.uuid",
    );
    invalid(
        get(&server, Identifier::InstanceId("x".to_owned())).await,
        "Invalid Instance.uuid",
    );
    for (identifier, text, kind, name) in [
        (
            Identifier::Name("zz".to_owned()),
            "Variable with name: zz".to_owned(),
            "Variable",
            "zz",
        ),
        (
            Identifier::Id(UNKNOWN.to_owned()),
            format!("Variable with id: {UNKNOWN}"),
            "Variable",
            UNKNOWN,
        ),
        (
            Identifier::InstanceId(UNKNOWN.to_owned()),
            format!("Variable Instance with id: {UNKNOWN}"),
            "Variable Instance",
            UNKNOWN,
        ),
    ] {
        refused_on(
            get(&server, identifier).await,
            Code::NotFound,
            &text,
            kind,
            name,
        );
    }
}

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
