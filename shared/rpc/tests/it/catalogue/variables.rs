use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{UNKNOWN, format, new_variable};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::get_variable_request::Identifier;
use tonic::{Code, Status};

pub const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

pub async fn get(server: &Server, identifier: Identifier) -> Result<pb::Variable, Status> {
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
