//! Cubes that are not built.

use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{UNKNOWN, format};
use crate::harness::cube::{groups, records, utm_request};
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, GeoTransform, Size};
use tonic::Code;

/// The rules in their order, each with the text of its refusal.
const RULES: [&str; 8] = [
    "CompressionLevel must be in [-3, 9]",
    "At least one instance must be provided",
    "Invalid Record.uuid not-a-record",
    "Invalid Instance.uuid not-an-instance",
    "Invalid pixToCRS transform: not invertible",
    "Invalid crs: not-a-crs (",
    "Invalid shape: 0x-1",
    "At least one record must be provided",
];

/// A request that breaks the rule `first` and all that follow it.
fn breaking_from(first: usize, fine: &pb::GetCubeRequest) -> pb::GetCubeRequest {
    let mut request = fine.clone();
    let bad = "not-a-record".to_owned();
    for rule in first..RULES.len() {
        match rule {
            0 => request.compression_level = 10,
            1 => request.instances_id.clear(),
            2 => request.records_lister = groups(&[&[], &[&bad]]),
            3 => request.instances_id = vec!["not-an-instance".to_owned()],
            4 => {
                request.pix_to_crs = Some(GeoTransform {
                    f: 0.,
                    ..fine.pix_to_crs.unwrap()
                });
            }
            5 => "not-a-crs".clone_into(&mut request.crs),
            6 => {
                request.size = Some(Size {
                    width: 0,
                    height: -1,
                });
            }
            _ if first > 2 => request.records_lister = groups(&[&[]]),
            _ => {}
        }
    }
    if first <= 1 {
        request.instances_id.clear();
    }
    request
}

#[tokio::test]
async fn rules_are_checked_in_their_order() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server
        .variable("v", format(Dtype::UInt8, 0., 0., 255.), 1)
        .await;
    let fine = utm_request(&instance, 4, 4);
    server.cube(fine.clone()).await.unwrap();
    for (rule, text) in RULES.iter().enumerate() {
        invalid(server.cube(breaking_from(rule, &fine)).await, text);
    }
    for lister in [
        groups(&[]),
        groups(&[&[], &[&UNKNOWN.to_owned()]]),
        records(&[]),
    ] {
        let request = pb::GetCubeRequest {
            records_lister: lister,
            ..fine.clone()
        };
        invalid(server.cube(request).await, RULES[7]);
    }
}

#[tokio::test]
async fn numbers_out_of_range_are_refused_with_their_field() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server
        .variable("v", format(Dtype::UInt8, 0., 0., 255.), 1)
        .await;
    let fine = utm_request(&instance, 4, 4);
    let place = fine.pix_to_crs.unwrap();
    let at = |pix_to_crs| pb::GetCubeRequest {
        pix_to_crs: Some(pix_to_crs),
        ..fine.clone()
    };
    let sized = |width, height| pb::GetCubeRequest {
        size: Some(Size { width, height }),
        ..fine.clone()
    };
    let level = |compression_level| pb::GetCubeRequest {
        compression_level,
        ..fine.clone()
    };
    for (field, request) in [
        ("CompressionLevel", level(-4)),
        ("CompressionLevel", level(i32::MAX)),
        ("CompressionLevel", level(i32::MIN)),
        (
            "pixToCRS",
            at(GeoTransform {
                a: f64::NAN,
                ..place
            }),
        ),
        (
            "pixToCRS",
            at(GeoTransform {
                b: f64::INFINITY,
                ..place
            }),
        ),
        (
            "pixToCRS",
            at(GeoTransform {
                d: f64::NEG_INFINITY,
                ..place
            }),
        ),
        (
            "pixToCRS",
            at(GeoTransform {
                f: f64::NAN,
                ..place
            }),
        ),
        ("pixToCRS", at(GeoTransform::default())),
        (
            "pixToCRS",
            pb::GetCubeRequest {
                pix_to_crs: None,
                ..fine.clone()
            },
        ),
        (
            "shape",
            pb::GetCubeRequest {
                size: None,
                ..fine.clone()
            },
        ),
        ("shape", sized(0, 4)),
        ("shape", sized(4, -1)),
        ("shape", sized(i32::MIN, i32::MIN)),
        (
            "format",
            pb::GetCubeRequest {
                format: 99,
                ..fine.clone()
            },
        ),
        (
            "format",
            pb::GetCubeRequest {
                format: -1,
                ..fine.clone()
            },
        ),
        (
            "resampling",
            pb::GetCubeRequest {
                resampling_alg: 99,
                ..fine.clone()
            },
        ),
        (
            "resampling",
            pb::GetCubeRequest {
                resampling_alg: -1,
                ..fine.clone()
            },
        ),
    ] {
        invalid(server.cube(request).await, field);
    }
    for request in [
        sized(i32::MAX, i32::MAX),
        sized(1 << 20, 1 << 20),
        sized(i32::MAX, 1),
    ] {
        let text = format!("{:?}", request.size);
        let status = server.cube(request).await.unwrap_err();
        let bounded = matches!(
            status.code(),
            Code::ResourceExhausted | Code::InvalidArgument
        );
        assert!(bounded, "{text}: {status:?}");
    }
    // finite, but nowhere on Earth
    for pix_to_crs in [
        GeoTransform { a: 1e300, ..place },
        GeoTransform {
            a: f64::MAX,
            b: f64::MAX,
            ..place
        },
        GeoTransform {
            b: 1e-300,
            f: -1e-300,
            ..place
        },
        GeoTransform {
            b: 1e12,
            f: -1e12,
            ..place
        },
    ] {
        match server.cube(at(pix_to_crs)).await {
            Ok(cube) => assert_eq!(cube.header.count, 0),
            Err(status) => assert_eq!(
                status.code(),
                Code::InvalidArgument,
                "{pix_to_crs:?}: {status:?}"
            ),
        }
    }
}

#[tokio::test]
async fn malformed_reference_systems_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server
        .variable("v", format(Dtype::UInt8, 0., 0., 255.), 1)
        .await;
    let long = "x".repeat(1 << 20);
    let nested = "PROJCS[".repeat(20_000);
    for crs in [
        "",
        "epsg",
        "EPSG",
        "epsg:",
        "epsg:x",
        "0",
        "-1",
        "999999",
        "99999999999999999999",
        "+",
        "+proj=nonsense",
        "WGS84X",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/crs",
        "PROJCS[",
        "GEOGCS[\"x\"",
        "é",
        "\0",
        "4326\0",
        &long,
        &nested,
    ] {
        let request = pb::GetCubeRequest {
            crs: crs.to_owned(),
            ..utm_request(&instance, 4, 4)
        };
        let answer = server.cube(request).await;
        assert!(answer.is_err(), "{crs:.100}");
        let status = refused(answer, Code::InvalidArgument, "Invalid crs");
        assert!(status.message().len() < 3100, "{}", status.message().len());
    }
}

#[tokio::test]
async fn instances_must_be_known_and_of_one_variable() {
    let Some(server) = Server::start().await else {
        return;
    };
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (id, instance) = server.variable("v", bytes, 1).await;
    let (_, stranger) = server.variable("w", bytes, 1).await;
    let with = |instances: &[&str]| pb::GetCubeRequest {
        instances_id: instances.iter().map(|id| (*id).to_owned()).collect(),
        ..utm_request("", 4, 4)
    };
    let text = format!("Variable Instance with id: {UNKNOWN}");
    refused_on(
        server.cube(with(&[UNKNOWN])).await,
        Code::NotFound,
        &text,
        "Variable Instance",
        UNKNOWN,
    );
    for other in [stranger.as_str(), UNKNOWN] {
        let text = format!("Instance {other} does not belong to the variable v ({id})");
        refused(
            server.cube(with(&[&instance, other])).await,
            Code::NotFound,
            &text,
        );
    }
}
