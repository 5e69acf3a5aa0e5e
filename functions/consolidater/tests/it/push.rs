//! Pushed orders, up to where the work begins.

use crate::harness::Consolidater;
use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::job::ConsolidationOrder;
use domain::job::payload::{OrderDataset, OrderRecord, TargetContainer};
use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, Instant, JobId, RecordId,
    Resampling, Size, StorageClass, TaskId, Uri,
};
use http::Request;
use messaging::Consumer;
use rpc::http::{Access, PushVerifier};
use rpc::testing::{KeyServer, SigningKey, claims};
use runtime::config::Tokens;
use serde_json::json;
use std::collections::BTreeMap;

const EVENT: &str = r#"{"v":1,"type":"job_event","job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","status":"JobCreated","error":"","seq":1}"#;

fn envelope(data: &str, delivery_attempt: &str) -> String {
    format!(
        r#"{{"message":{{"data":"{}"}}{delivery_attempt}}}"#,
        BASE64_STANDARD.encode(data)
    )
}

#[tokio::test]
async fn other_paths_are_a_sign_of_life() {
    let Some(consolidater) = Consolidater::open().await else {
        return;
    };
    for path in ["/", "/healthz", "/v1"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(
            consolidater.send(request).await,
            (200, "ok".to_owned()),
            "{path}"
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        let request = Request::builder()
            .method(method)
            .uri("/push")
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            consolidater.send(request).await,
            (405, String::new()),
            "{method}"
        );
    }
}

#[tokio::test]
async fn m4_what_is_no_order_is_refused_or_put_aside() {
    let Some(consolidater) = Consolidater::open().await else {
        return;
    };
    let counted = r#","deliveryAttempt":3"#;
    for body in [
        "not json".to_owned(),
        r#"{"message":{"data":"%%%"}}"#.to_owned(),
        envelope("no order", counted),
        envelope("{}", counted),
    ] {
        let (status, text) = consolidater.post("/push", body.clone()).await;
        assert_eq!(status, 400, "{body}");
        assert!(!text.is_empty(), "{body}");
    }
    assert_eq!(
        consolidater
            .queue
            .backlog("consolidations-failed")
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        consolidater.post("/push", envelope("no order", "")).await.0,
        204
    );
    assert_eq!(
        consolidater
            .queue
            .backlog("consolidations-failed")
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn m8_an_event_is_poison_here() {
    let Some(consolidater) = Consolidater::open().await else {
        return;
    };
    let (status, text) = consolidater
        .post("/push", envelope(EVENT, r#","deliveryAttempt":1"#))
        .await;
    assert_eq!(status, 400, "{text}");
}

#[tokio::test]
async fn m6_orders_need_the_token_of_events() {
    let tokens = Tokens {
        event: Some("e".into()),
        ..Tokens::default()
    };
    let Some(consolidater) = Consolidater::with_tokens(&tokens).await else {
        return;
    };
    for (presented, status) in [
        (None, 401),
        (Some("Bearer x"), 401),
        (Some("e"), 401),
        (Some("Bearer e"), 400),
    ] {
        let mut request = Request::post("/push");
        if let Some(value) = presented {
            request = request.header("authorization", value);
        }
        let answer = consolidater
            .send(request.body(Body::from("not json")).unwrap())
            .await;
        assert_eq!(answer.0, status, "{presented:?}: {answer:?}");
    }
    let alive = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(consolidater.send(alive).await.0, 200);
}

#[tokio::test]
async fn m7_orders_need_the_token_of_an_accepted_account() {
    let key = SigningKey::new("first");
    let keys = KeyServer::start(&[&key]).await;
    let verifier = PushVerifier::new(&keys.expected()).unwrap();
    let access = Access::new(&Tokens::default()).with_pushers(Some(verifier));
    let Some(consolidater) = Consolidater::with_access(&access).await else {
        return;
    };
    for (others, status) in [
        (json!({"exp": 1_577_836_800}), 401),
        (json!({"aud": "another"}), 401),
        (
            json!({"email": "another@project.iam.gserviceaccount.com"}),
            403,
        ),
        (json!({}), 204),
    ] {
        let token = format!("Bearer {}", key.sign(&claims(&others)));
        let request = Request::post("/push").header("authorization", token);
        let request = request.body(Body::from(envelope(&order(), ""))).unwrap();
        let answer = consolidater.send(request).await;
        assert_eq!(answer.0, status, "{others}: {answer:?}");
    }
    let unsigned = consolidater.post("/push", envelope(&order(), "")).await;
    assert_eq!(unsigned.0, 401, "{unsigned:?}");
}

#[tokio::test]
async fn the_push_route_is_open_only_while_no_token_at_all_is_configured() {
    for subset in 0..8_u8 {
        let token = |bit: u8, text: &str| (subset & (1 << bit) != 0).then(|| text.into());
        let tokens = Tokens {
            user: token(0, "u"),
            admin: token(1, "a"),
            event: token(2, "e"),
        };
        let Some(consolidater) = Consolidater::with_tokens(&tokens).await else {
            return;
        };
        for presented in [None, Some("Bearer u"), Some("Bearer a"), Some("Bearer e")] {
            for (path, content_type) in [
                ("/push", "application/json"),
                ("/push/more", "application/json"),
                ("/push", "application/grpc"),
            ] {
                let mut request = Request::post(path).header("content-type", content_type);
                if let Some(value) = presented {
                    request = request.header("authorization", value);
                }
                let request = request.body(Body::from("not json")).unwrap();
                let answer = consolidater.response(request).await;
                let unauthenticated = answer.headers().get("grpc-status");
                let refused =
                    answer.status() == 401 || unauthenticated.is_some_and(|code| code == "16");
                let opens =
                    subset == 0 || (tokens.event.is_some() && presented == Some("Bearer e"));
                assert_eq!(
                    refused, !opens,
                    "{tokens:?} {presented:?} {path} {content_type}"
                );
            }
        }
    }
}

/// An order of a task that does not exist.
fn order() -> String {
    let mapping =
        DataMapping::identity(DataFormat::try_new(DType::UInt8, 0.0, 1.0, 255.0).unwrap());
    let uri = |text: &str| Uri::parse(text).unwrap();
    let source = DatasetSource {
        uri: uri("/data/a.tif"),
        subdir: String::new(),
        bands: Bands::first(1),
        mapping,
    };
    let record = OrderRecord {
        id: RecordId::new(),
        date_time: Instant::from_timestamp(1_577_836_800, 0).unwrap(),
        valid_shape: None,
        datasets: vec![OrderDataset {
            source,
            overviews: true,
        }],
    };
    let container = TargetContainer {
        uri: uri("/data/layout/x.tif"),
        mapping,
        crs: "EPSG:32632".to_owned(),
        transform: GeoTransform::north_up(0.0, 100.0, 10.0),
        size: Size::try_new(256, 256).unwrap(),
        cutline: String::new(),
        bands_count: 1,
        block_x_size: 256,
        block_y_size: 256,
        interlacing_pattern: String::new(),
        overviews_min_size: -1,
        resampling: Resampling::Near,
        overview_resampling: Resampling::Near,
        optimize_extent: false,
        creation_params: BTreeMap::new(),
        storage_class: StorageClass::Standard,
    };
    let order = ConsolidationOrder {
        job_id: JobId::new(),
        task_id: TaskId::new(),
        attempt: 1,
        records: vec![record],
        container,
    };
    String::from_utf8(order.to_json()).unwrap()
}

#[tokio::test]
async fn an_order_that_nobody_needs_is_done_with_unless_the_database_is_away() {
    let Some(consolidater) = Consolidater::open().await else {
        return;
    };
    let body = envelope(&order(), "");
    assert_eq!(
        consolidater.post("/push", body.clone()).await,
        (204, String::new())
    );
    consolidater.lose_database().await;
    let (status, text) = consolidater.post("/push", body).await;
    assert_eq!(status, 503, "{text}");
}
