//! Formats of instances that indexing keeps: what it saves, and what must not be told from memory.

use super::indexing::{Indexing, UNIT};
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::UNKNOWN;
use crate::outages::behind_proxy;
use rpc::pb;
use tonic::Code;

const ABSENT: &str = "00000000-0000-0000-0000-0000000000aa";

#[tokio::test]
async fn a_new_local_file_is_stored_by_one_question_to_the_database() {
    let Some((server, proxy)) = behind_proxy().await else {
        return;
    };
    let Some(test) = Indexing::on(server).await else {
        return;
    };
    let files: Vec<_> = (0..12).map(|number| format!("{number}.tif")).collect();
    for name in &files {
        std::fs::copy(test.server.path("a.tif"), test.server.path(name)).unwrap();
    }
    let mut costs = Vec::new();
    for name in &files {
        let before = proxy.questions();
        let uri = test.server.uri(name);
        test.server.index(&uri, vec![test.dataset()]).await.unwrap();
        costs.push(proxy.questions() - before);
    }
    // the first ones prepare their statements, on each connection of the pool; each connection that is given back is asked
    // for a sign of life, which nobody waits for
    assert!(costs[2..].iter().all(|cost| *cost <= 3), "{costs:?}");
    assert_eq!(costs.iter().min(), Some(&2), "{costs:?}");
}

#[tokio::test]
async fn a_file_whose_answer_is_lost_may_be_stored() {
    let Some((server, proxy)) = behind_proxy().await else {
        return;
    };
    let Some(test) = Indexing::on(server).await else {
        return;
    };
    let index = |uri: String| {
        let test = &test;
        async move { test.server.index(&uri, vec![test.dataset()]).await }
    };
    std::fs::copy(test.server.path("a.tif"), test.server.path("b.tif")).unwrap();
    index(test.uri.clone()).await.unwrap();
    let uri = test.server.uri("b.tif");
    proxy.lose_next_answer();
    refused(
        index(uri.clone()).await,
        Code::Unavailable,
        "the change may be in effect",
    );
    index(uri).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_was_deleted_is_told_as_unknown() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let (_, other) = test.server.variable("w", UNIT, 1).await;
    let dataset = |record: &str| pb::Dataset {
        record_id: record.to_owned(),
        instance_id: other.clone(),
        ..test.dataset()
    };
    let fails = test.server.index(&test.uri, vec![dataset(UNKNOWN)]).await;
    assert_eq!(fails.unwrap_err().code(), Code::NotFound);
    let id = other.clone();
    test.server
        .client()
        .delete_instance(pb::DeleteInstanceRequest { id })
        .await
        .unwrap();
    for _ in 0..2 {
        refused_on(
            test.server
                .index(&test.uri, vec![dataset(&test.record)])
                .await,
            Code::NotFound,
            &format!("Variable Instance with id: {other}"),
            "Variable Instance",
            &other,
        );
    }
}

#[tokio::test]
async fn a_variable_is_told_by_its_present_name() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let wrong = || pb::Dataset {
        bands: vec![1, 1],
        ..test.dataset()
    };
    let answer = test.server.index(&test.uri, vec![wrong()]).await;
    invalid(answer, "found 2, expected 1 for the variable v");
    let update = pb::UpdateVariableRequest {
        id: test.variable.clone(),
        name: Some("renamed".to_owned()),
        ..Default::default()
    };
    test.server.client().update_variable(update).await.unwrap();
    let answer = test.server.index(&test.uri, vec![wrong()]).await;
    invalid(answer, "found 2, expected 1 for the variable renamed");
}

#[tokio::test]
async fn the_first_dataset_that_does_not_fit_is_told() {
    let Some(test) = Indexing::start().await else {
        return;
    };
    let of = |instance: &str| pb::Dataset {
        instance_id: instance.to_owned(),
        ..test.dataset()
    };
    let wrong = || pb::Dataset {
        bands: vec![1, 1],
        ..test.dataset()
    };
    let answer = test
        .server
        .index(&test.uri, vec![wrong(), of(UNKNOWN)])
        .await;
    invalid(answer, "Wrong number of bands in dataset");
    // the order of the request, not of the ids
    for (first, second) in [(UNKNOWN, ABSENT), (ABSENT, UNKNOWN)] {
        let datasets = vec![test.dataset(), of(first), of(second), wrong()];
        let answer = test.server.index(&test.uri, datasets).await;
        refused_on(
            answer,
            Code::NotFound,
            &format!("Variable Instance with id: {first}"),
            "Variable Instance",
            first,
        );
    }
}
