use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, resource};
use crate::harness::catalogue::{UNKNOWN, map};
use rpc::pb;
use std::collections::BTreeMap;
use tonic::{Code, Status};

async fn add(server: &Server, ids: &[&str], tags: &[(&str, &str)]) -> Result<i64, Status> {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = pb::AddRecordsTagsRequest {
        ids,
        tags: map(tags),
    };
    Ok(server
        .client()
        .add_records_tags(request)
        .await?
        .into_inner()
        .nb)
}

async fn remove(server: &Server, ids: &[&str], keys: &[&str]) -> Result<i64, Status> {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let tags_key = keys.iter().map(|key| (*key).to_owned()).collect();
    let request = pb::RemoveRecordsTagsRequest { ids, tags_key };
    Ok(server
        .client()
        .remove_records_tags(request)
        .await?
        .into_inner()
        .nb)
}

async fn tags(server: &Server, id: &str) -> BTreeMap<String, String> {
    let request = pb::GetRecordsRequest {
        ids: vec![id.to_owned()],
    };
    let mut found = items(server.client().get_records(request).await)
        .await
        .unwrap();
    found.remove(0).record.unwrap().tags
}

#[tokio::test]
async fn tags_are_merged_into_and_removed_from_all_listed_records() {
    let Some(server) = Server::start().await else {
        return;
    };
    let id = server
        .tagged_record("r", 0, &[("a", "b"), ("k", "v")])
        .await;
    assert_eq!(
        add(&server, &[&id], &[("new", "1"), ("a", "c")])
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        tags(&server, &id).await,
        map(&[("a", "c"), ("k", "v"), ("new", "1")])
    );
    // what would end a statement stays a text
    let hostile = [
        ("it's", "a\"b"),
        ("x'); DROP TABLE records; --", "=> \\ $$"),
        ("NULL", "NULL"),
    ];
    assert_eq!(add(&server, &[&id], &hostile).await.unwrap(), 1);
    for (key, value) in hostile {
        assert_eq!(
            tags(&server, &id).await.get(key).map(String::as_str),
            Some(value)
        );
    }
    let keys = hostile.map(|(key, _)| key);
    assert_eq!(remove(&server, &[&id], &keys).await.unwrap(), 3);
    assert_eq!(
        remove(&server, &[&id], &["a", "absent"]).await.unwrap(),
        2,
        "one record, two keys"
    );
    assert_eq!(tags(&server, &id).await, map(&[("k", "v"), ("new", "1")]));

    for (ids, expected) in [
        (vec![], 0),
        (vec![UNKNOWN], 0),
        (vec![id.as_str(), UNKNOWN], 1),
    ] {
        assert_eq!(
            add(&server, &ids, &[("z", "z")]).await.unwrap(),
            expected,
            "{ids:?}"
        );
    }
    assert_eq!(
        add(&server, &[&id], &[]).await.unwrap(),
        1,
        "an empty map counts every record"
    );
}

#[tokio::test]
async fn edits_follow_the_rules_of_creation() {
    let Some(server) = Server::start().await else {
        return;
    };
    let id = server.record("r", 0).await;
    for (key, value) in [
        ("k", "*"),
        ("k", "a?"),
        ("k*", "v"),
        ("k", "\0"),
        ("\0", "v"),
    ] {
        invalid(add(&server, &[&id], &[(key, value)]).await, "");
    }
    invalid(
        add(&server, &[&id], &[("k", &"x".repeat(10_000))]).await,
        "2048",
    );
    invalid(add(&server, &["x"], &[]).await, "Invalid Record.uuid");
    invalid(remove(&server, &["x"], &["k"]).await, "Invalid Record.uuid");
    invalid(remove(&server, &[&id], &["\0"]).await, "");
    assert_eq!(tags(&server, &id).await, map(&[]));
}

#[tokio::test]
async fn edits_that_make_two_records_the_same_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (plain, tagged) = (
        server.record("r", 0).await,
        server.tagged_record("r", 0, &[("a", "b")]).await,
    );
    for answer in [
        add(&server, &[&plain], &[("a", "b")]).await,
        remove(&server, &[&tagged], &["a"]).await,
    ] {
        let status = refused(answer, Code::AlreadyExists, "Record");
        assert_eq!(resource(&status).0, "Record");
    }
    assert_eq!(tags(&server, &plain).await, map(&[]));
    assert_eq!(tags(&server, &tagged).await, map(&[("a", "b")]));
}
