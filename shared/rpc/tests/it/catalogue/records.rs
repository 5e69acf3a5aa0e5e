use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, refused_on, resource};
use crate::harness::catalogue::{UNKNOWN, YEAR_2020, aoi, at, dataset, format, map, new_record};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::{Code, Status};

async fn get(server: &Server, ids: &[&str]) -> Result<Vec<pb::Record>, Status> {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let found = items(
        server
            .client()
            .get_records(pb::GetRecordsRequest { ids })
            .await,
    )
    .await?;
    Ok(found.into_iter().map(|item| item.record.unwrap()).collect())
}

async fn list(server: &Server, request: pb::ListRecordsRequest) -> Result<Vec<String>, Status> {
    let found = items(server.client().list_records(request).await).await?;
    Ok(found
        .into_iter()
        .map(|item| item.record.unwrap().name)
        .collect())
}

#[tokio::test]
async fn records_are_unique_by_name_tags_and_time() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    let tags = [("a", "b")];
    let record = new_record("rec", &aoi, 0, &tags);
    server.create_records(vec![record.clone()]).await.unwrap();
    // the footprint takes no part, and is looked at afterwards
    let elsewhere = new_record("rec", UNKNOWN, 0, &tags);
    let status = refused(
        server.create_records(vec![elsewhere]).await,
        Code::AlreadyExists,
        "Record with : rec, ",
    );
    assert_eq!(resource(&status).0, "Record");
    let unknown = server
        .create_records(vec![new_record("other", UNKNOWN, 0, &tags)])
        .await;
    refused_on(
        unknown,
        Code::NotFound,
        &format!("AOI with id: {UNKNOWN}"),
        "AOI",
        UNKNOWN,
    );

    let twin = new_record("twin", &aoi, 0, &[]);
    refused(
        server
            .create_records(vec![twin.clone(), twin.clone()])
            .await,
        Code::AlreadyExists,
        "twin",
    );
    let named = pb::ListRecordsRequest {
        name: "twin".to_owned(),
        ..Default::default()
    };
    assert!(
        list(&server, named).await.unwrap().is_empty(),
        "nothing of the batch is stored"
    );
    server.create_records(vec![twin.clone()]).await.unwrap();
    let rounded = pb::NewRecord {
        time: at(YEAR_2020, 499),
        ..twin
    };
    refused(
        server.create_records(vec![rounded]).await,
        Code::AlreadyExists,
        "twin",
    );
    assert!(server.create_records(vec![]).await.unwrap().is_empty());
}

#[tokio::test]
async fn malformed_records_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi_id = server.some_aoi().await;
    let fine = new_record("fine", &aoi_id, 0, &[]);
    let mut cases = vec![
        (
            "Invalid AOI",
            pb::NewRecord {
                aoi_id: "x".to_owned(),
                ..fine.clone()
            },
        ),
        (
            "tag",
            pb::NewRecord {
                tags: map(&[("k", "v*")]),
                ..fine.clone()
            },
        ),
        (
            "tag",
            pb::NewRecord {
                tags: map(&[("k?", "v")]),
                ..fine.clone()
            },
        ),
        (
            "tag",
            pb::NewRecord {
                tags: map(&[("k", "v\0")]),
                ..fine.clone()
            },
        ),
    ];
    for time in [
        None,
        at(10_i64.pow(13), 0),
        at(0, -1),
        at(0, 1_000_000_000),
        at(i64::MIN, 0),
    ] {
        cases.push((
            "Invalid time",
            pb::NewRecord {
                time,
                ..fine.clone()
            },
        ));
    }
    let long = "x".repeat(6000);
    for name in ["a b", "a.b", "", "a/", "a\n", "/a", "é", "a\0", &long] {
        cases.push((
            "Invalid Name",
            pb::NewRecord {
                name: name.to_owned(),
                ..fine.clone()
            },
        ));
    }
    for (fragment, malformed) in cases {
        let text = format!("{malformed:?}");
        let answer = server.create_records(vec![fine.clone(), malformed]).await;
        let status = refused(answer, Code::InvalidArgument, "");
        assert!(
            status
                .message()
                .to_lowercase()
                .contains(&fragment.to_lowercase()),
            "{status:?} for {text:.200}"
        );
    }
    let all = list(&server, pb::ListRecordsRequest::default())
        .await
        .unwrap();
    assert!(all.is_empty(), "{all:?}");
}

#[tokio::test]
async fn records_come_back_as_they_were_given() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi_id = server.some_aoi().await;
    let record = |name: &str, time, tags: &[(&str, &str)]| pb::NewRecord {
        name: name.to_owned(),
        time,
        tags: map(tags),
        aoi_id: aoi_id.clone(),
    };
    let odd = [
        ("q\"uo'te", "back\\slash, => \"x\""),
        ("", "empty key"),
        ("empty value", ""),
        ("é", "日本"),
    ];
    // (given, nanoseconds that are stored)
    let given = vec![
        (
            record("a/b:c_d-e", at(YEAR_2020, 123_456_789), &odd),
            123_457_000,
        ),
        (record("half", at(YEAR_2020, 123_456_500), &[]), 123_456_000),
        (record("first", at(-62_135_596_800, 0), &[]), 0),
        (record("last", at(253_402_300_799, 0), &[]), 0),
    ];
    let ids = server
        .create_records(given.iter().map(|(record, _)| record.clone()).collect())
        .await
        .unwrap();
    for (id, (given, nanos)) in ids.iter().zip(given) {
        let found = get(&server, &[id]).await.unwrap().remove(0);
        let seconds = given.time.unwrap().seconds;
        assert_eq!(
            (found.name, found.tags, found.aoi_id),
            (given.name, given.tags, given.aoi_id)
        );
        assert_eq!(found.time, at(seconds, nanos));
        assert_eq!(found.aoi, None);
    }
}

#[tokio::test]
async fn records_are_read_in_the_order_of_the_request_each_once() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (first, second) = (
        server.record("first", 0).await,
        server.record("second", 1).await,
    );
    let ids = |records: Vec<pb::Record>| {
        records
            .into_iter()
            .map(|record| record.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(get(&server, &[&first, &first]).await.unwrap()),
        [first.clone()]
    );
    let upper = second.to_uppercase();
    let found = ids(get(&server, &[&second, &first, &upper]).await.unwrap());
    assert_eq!(found, [second, first.clone()]);
    assert!(get(&server, &[]).await.unwrap().is_empty());
    let text = format!("Record with id: {UNKNOWN}");
    refused_on(
        get(&server, &[&first, UNKNOWN]).await,
        Code::NotFound,
        &text,
        "Record",
        UNKNOWN,
    );
    invalid(get(&server, &["x"]).await, "Invalid Record.uuid x");
}

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
            "time",
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
