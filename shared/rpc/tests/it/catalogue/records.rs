use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, refused_on, resource};
use crate::harness::catalogue::{UNKNOWN, YEAR_2020, at, map, new_record, rectangle};
use rpc::pb;
use tonic::{Code, Status};

pub async fn get(server: &Server, ids: &[&str]) -> Result<Vec<pb::Record>, Status> {
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

pub async fn list(server: &Server, request: pb::ListRecordsRequest) -> Result<Vec<String>, Status> {
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
    let stored = server.create_records(vec![record.clone()]).await.unwrap();
    // the footprint takes no part, and is looked at afterwards
    let elsewhere = new_record("rec", UNKNOWN, 0, &tags);
    let status = refused(
        server.create_records(vec![elsewhere]).await,
        Code::AlreadyExists,
        "Record with : rec, ",
    );
    assert_eq!(resource(&status).0, "Record");
    let told = format!("(stored with id {}, aoi {aoi})", stored[0]);
    assert!(status.message().ends_with(&told), "{status:?}");
    // of several records, it is the one that is in the way
    let other = server.create_aoi(rectangle(0., 0., 3., 3.)).await.unwrap();
    let (new, same) = (
        new_record("re", &aoi, 0, &tags),
        new_record("rec", &other, 0, &tags),
    );
    let status = refused(
        server.create_records(vec![new, same]).await,
        Code::AlreadyExists,
        "Record with : rec, ",
    );
    assert!(status.message().ends_with(&told), "{status:?}");
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
            "Invalid AOI uuid: x",
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
        std::slice::from_ref(&first)
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
    let ids = vec![first, UNKNOWN.to_owned()];
    let answer = server
        .client()
        .get_records(pb::GetRecordsRequest { ids })
        .await;
    assert!(answer.is_err(), "before any item");
    invalid(get(&server, &["x"]).await, "Invalid Record.uuid x");
}
