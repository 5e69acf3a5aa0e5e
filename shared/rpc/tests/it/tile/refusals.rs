//! Tiles that are not drawn.

use super::{NAN, group, halves, index, request, tile};
use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{UNKNOWN, format};
use crate::harness::raster::have_gdal;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::Code;

#[tokio::test]
async fn tiles_without_data_or_with_a_mistake_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let answer = async |request| tile(&server, request).await.map(|tile| tile.color);
    let (_, instance) = server
        .variable("v", format(Dtype::Float32, NAN, -1., 1.), 1)
        .await;
    let nothing = refused(
        answer(request(&instance)).await,
        Code::NotFound,
        "No data found",
    );
    assert_eq!(nothing.message(), "No data found");
    index(&server, "r", 0, &instance, 1, &halves(&[NAN], &[NAN])).await;
    let empty = refused(
        answer(request(&instance)).await,
        Code::NotFound,
        "Not enough valid pixels (skipped)",
    );
    assert_eq!(empty.message(), "Not enough valid pixels (skipped)");
    let elsewhere = pb::GetTileRequest {
        x: 0,
        ..request(&instance)
    };
    refused(answer(elsewhere).await, Code::NotFound, "No data found");

    let fine = || request(&instance);
    let at = |x, y, z| pb::GetTileRequest { x, y, z, ..fine() };
    for (fragment, malformed) in [
        ("z", at(0, 0, -1)),
        ("z", at(0, 0, 31)),
        ("z", at(0, 0, 64)),
        ("z", at(0, 0, i32::MAX)),
        ("x", at(-1, 0, 3)),
        ("x", at(8, 0, 3)),
        ("y", at(0, -1, 3)),
        ("y", at(0, 8, 3)),
        (
            "either record ids or record filters must be provided",
            pb::GetTileRequest {
                records_lister: None,
                ..fine()
            },
        ),
        (
            "At least one record must be provided",
            pb::GetTileRequest {
                records_lister: group(&[]),
                ..fine()
            },
        ),
        (
            "Invalid Record.uuid",
            pb::GetTileRequest {
                records_lister: group(&[&"x".to_owned()]),
                ..fine()
            },
        ),
        ("Invalid Instance.uuid", request("x")),
        ("Invalid Instance.uuid", request("")),
    ] {
        invalid(answer(malformed).await, fragment);
    }
    let text = format!("Variable Instance with id: {UNKNOWN}");
    refused_on(
        answer(request(UNKNOWN)).await,
        Code::NotFound,
        &text,
        "Variable Instance",
        UNKNOWN,
    );
    for z in [0, 30] {
        let edge = (1_i64 << z) as i32 - 1;
        if let Err(status) = answer(at(edge, edge, z)).await {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
        }
    }
}
