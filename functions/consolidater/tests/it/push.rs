//! Pushed orders, up to where the work begins.

use crate::harness::Consolidater;
use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::job::ConsolidationOrder;
use domain::{JobId, TaskId};
use http::Request;
use messaging::Consumer;
use rpc::http::{Access, PushVerifier};
use rpc::testing::{KeyServer, SigningKey, judged};
use runtime::config::Tokens;

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
    for (token, status) in judged(&key) {
        let token = format!("Bearer {token}");
        let request = Request::post("/push").header("authorization", &token);
        let request = request.body(Body::from(envelope(&order(), ""))).unwrap();
        let answer = consolidater.send(request).await;
        assert_eq!(answer.0, status, "{token}: {answer:?}");
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
    text(&rpc::testing::order(JobId::new(), TaskId::new()))
}

fn text(order: &ConsolidationOrder) -> String {
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

/// The order of a task whose job waits for it.
async fn sent(consolidater: &Consolidater) -> ConsolidationOrder {
    let order = rpc::testing::order(JobId::new(), TaskId::new());
    let (job, task) = (order.job_id, order.task_id);
    let rows = format!(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
             failed_tasks, execution_level, waiting)
         VALUES ('{job}', 'job', now(), now(), '{{}}', 'CONSOLIDATIONINPROGRESS', 'CONSOLIDATION', 1, 0, 1, false);
         INSERT INTO geocube.tasks (id, job_id, state, payload) VALUES ('{task}', '{job}', 'PENDING', '')"
    );
    consolidater.store(&rows).await;
    order
}

#[tokio::test]
async fn m10_and_m13_an_order_that_runs_elsewhere_waits_until_its_lease_is_over() {
    let Some(consolidater) = Consolidater::open().await else {
        return;
    };
    let order = sent(&consolidater).await;
    let lease = format!(
        "INSERT INTO geocube.task_leases (task_id, job_id, attempt, status, run_id, owner, lease_until)
         VALUES ('{}', '{}', 1, 'RUNNING', gen_random_uuid(), 'other', now() + interval '2 minutes')",
        order.task_id, order.job_id
    );
    consolidater.store(&lease).await;
    let body = envelope(&text(&order), "");
    for deliveries in [2, 3] {
        let request = Request::post("/push").body(Body::from(body.clone()));
        let answer = consolidater.response(request.unwrap()).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "10");
        let expected = format!("RUNNING, 1 start(s), {deliveries} deliveries");
        assert_eq!(consolidater.runs().await, [expected]);
    }
    assert_eq!(consolidater.queue.backlog("events").await.unwrap(), 0);
    let over = "UPDATE geocube.task_leases SET lease_until = now() - interval '10 s'";
    consolidater.store(over).await;
    // it runs, and there is nothing to read
    let answer = consolidater.post("/push", body.clone()).await;
    assert_eq!(answer, (204, String::new()));
    let expected = "FAILED, 2 start(s), 4 deliveries";
    assert_eq!(consolidater.runs().await, [expected]);
    assert_eq!(consolidater.queue.backlog("events").await.unwrap(), 1);
    // m11: nothing is told twice
    assert_eq!(consolidater.post("/push", body).await.0, 204);
    assert_eq!(consolidater.queue.backlog("events").await.unwrap(), 1);
}
