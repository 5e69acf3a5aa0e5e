//! Lists and deletion of records.

use super::records::{get, list};
use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, resource};
use crate::harness::catalogue::{YEAR_2020, aoi, at, dataset, format, new_record};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::Code;

#[tokio::test]
async fn lists_are_filtered_by_time_place_and_page() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi_id = server.some_aoi().await;
    let records = (0..3)
        .map(|day| new_record(&format!("day{day}"), &aoi_id, day, &[]))
        .collect();
    server.create_records(records).await.unwrap();
    let all = ["day0", "day1", "day2"];
    let day = |day: i64| at(YEAR_2020 + day * 86_400, 0);
    let year_1 = at(-62_135_596_800, 0);
    let any = pb::ListRecordsRequest::default();
    let touching = aoi(&[&[&[(1., 1.), (1., 2.), (2., 2.), (1., 1.)]]]);
    let apart = aoi(&[&[&[(3., 3.), (3., 4.), (4., 4.), (3., 3.)]]]);
    for (request, expected) in [
        (any.clone(), &all[..]),
        (
            pb::ListRecordsRequest {
                limit: 0,
                page: 3,
                ..any.clone()
            },
            &all[..],
        ),
        (
            pb::ListRecordsRequest {
                limit: 2,
                page: 1,
                ..any.clone()
            },
            &all[2..],
        ),
        (
            pb::ListRecordsRequest {
                limit: 2,
                page: 2,
                ..any.clone()
            },
            &[],
        ),
        (
            pb::ListRecordsRequest {
                limit: i32::MAX,
                page: i32::MAX,
                ..any.clone()
            },
            &[],
        ),
        (
            pb::ListRecordsRequest {
                from_time: day(1),
                to_time: day(1),
                ..any.clone()
            },
            &all[1..2],
        ),
        (
            pb::ListRecordsRequest {
                from_time: day(1),
                ..any.clone()
            },
            &all[1..],
        ),
        (
            pb::ListRecordsRequest {
                from_time: year_1,
                to_time: year_1,
                ..any.clone()
            },
            &all[..],
        ),
        (
            pb::ListRecordsRequest {
                to_time: at(0, 0),
                ..any.clone()
            },
            &[],
        ),
        (
            pb::ListRecordsRequest {
                aoi: Some(touching),
                ..any.clone()
            },
            &all[..],
        ),
        (
            pb::ListRecordsRequest {
                aoi: Some(apart),
                ..any.clone()
            },
            &[],
        ),
        (
            pb::ListRecordsRequest {
                aoi: Some(pb::Aoi::default()),
                ..any.clone()
            },
            &all[..],
        ),
    ] {
        assert_eq!(
            list(&server, request.clone()).await.unwrap(),
            expected,
            "{request:?}"
        );
    }
    for (field, request) in [
        (
            "limit",
            pb::ListRecordsRequest {
                limit: -1,
                ..any.clone()
            },
        ),
        (
            "page",
            pb::ListRecordsRequest {
                limit: 2,
                page: -1,
                ..any.clone()
            },
        ),
        (
            "from_time: Invalid time",
            pb::ListRecordsRequest {
                from_time: at(10_i64.pow(14), 0),
                ..any.clone()
            },
        ),
        (
            "",
            pb::ListRecordsRequest {
                aoi: Some(aoi(&[&[&[(0., f32::NAN)]]])),
                ..any.clone()
            },
        ),
    ] {
        invalid(list(&server, request).await, field);
    }
    let with_aoi = pb::ListRecordsRequest {
        with_aoi: true,
        limit: 1,
        ..any
    };
    let found = items(server.client().list_records(with_aoi).await)
        .await
        .unwrap()
        .remove(0)
        .record
        .unwrap();
    assert_eq!(
        found.aoi.unwrap().polygons[0].linearrings[0].points.len(),
        5
    );
}

#[tokio::test]
async fn records_that_have_datasets_stay() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !crate::harness::raster::have_gdal() {
        return;
    }
    let (used, free) = (
        server.record("used", 0).await,
        server.record("free", 1).await,
    );
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (_, instance) = server.variable("v", bytes, 1).await;
    crate::harness::raster::Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&used, &instance, bytes, &[1])],
        )
        .await
        .unwrap();

    let delete = async |ids: &[&String], no_fail| {
        let ids = ids.iter().map(|id| (*id).clone()).collect();
        let answer = server
            .client()
            .delete_records(pb::DeleteRecordsRequest { ids, no_fail })
            .await;
        answer.map(|answer| answer.into_inner().nb)
    };
    let text = format!("records and datasets with id: {used}");
    let status = refused(
        delete(&[&used, &free], false).await,
        Code::FailedPrecondition,
        &text,
    );
    assert_eq!(
        resource(&status),
        ("datasets".to_owned(), used.clone(), "records".to_owned())
    );
    assert_eq!(
        get(&server, &[&used, &free]).await.unwrap().len(),
        2,
        "nothing is deleted"
    );
    assert_eq!(delete(&[&used, &free], true).await.unwrap(), 1);
    assert_eq!(get(&server, &[&used]).await.unwrap().len(), 1);
    for (ids, no_fail) in [
        (vec![], false),
        (vec![], true),
        (vec![&free], false),
        (vec![&free], true),
    ] {
        assert_eq!(delete(&ids, no_fail).await.unwrap(), 0, "{ids:?} {no_fail}");
    }
    invalid(
        delete(&[&"x".to_owned()], true).await,
        "Invalid Record.uuid",
    );
}
