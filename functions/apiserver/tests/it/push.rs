//! Pushed messages.

use crate::harness::Server;
use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::Request;
use messaging::Consumer;
use rpc::http::{Access, PushVerifier};
use rpc::testing::{KeyServer, SigningKey, judged};
use runtime::config::Tokens;

/// An event of a job that does not exist.
const EVENT: &str = r#"{"v":1,"type":"job_event","job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","status":"JobCreated","error":"","seq":1}"#;

fn envelope(data: &str, delivery_attempt: &str) -> String {
    format!(
        r#"{{"message":{{"data":"{}"}}{delivery_attempt}}}"#,
        BASE64_STANDARD.encode(data)
    )
}

#[tokio::test]
async fn m1_and_m2_an_event_moves_its_job_once() {
    let Some(server) = Server::open().await else {
        return;
    };
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    // a deletion that pauses at each of its larger steps
    let job = format!(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
             failed_tasks, execution_level, waiting)
         VALUES ('{id}', 'job', now(), now(), '{{}}', 'NEW', 'DELETION', 0, 0, 3, false)"
    );
    server.store(&job).await;
    for delivery in ["first", "second"] {
        let answer = server.post("/push", envelope(EVENT, "")).await;
        assert_eq!(answer.status, 204, "{delivery}: {answer:?}");
        assert_eq!(
            server.job(id).await,
            ("CREATED".to_owned(), true),
            "{delivery}"
        );
    }
}

#[tokio::test]
async fn m3_only_post_is_served() {
    let Some(server) = Server::open().await else {
        return;
    };
    for path in ["/push", "/push/dead-letter", "/pushes"] {
        for method in ["GET", "PUT", "HEAD", "DELETE", "OPTIONS"] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap();
            let answer = server.send(request).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (405, ""),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn m4_what_is_no_event_is_refused_or_put_aside() {
    let Some(server) = Server::open().await else {
        return;
    };
    let counted = r#","deliveryAttempt":3"#;
    for (body, status) in [
        ("not json".to_owned(), 400),
        (String::new(), 400),
        (r#"{"message":{"data":"%%%"}}"#.to_owned(), 400),
        (envelope("no event", counted), 400),
        (envelope("{}", counted), 400),
        (envelope("[".repeat(100_000).as_str(), counted), 400),
    ] {
        let answer = server.post("/push", body.clone()).await;
        assert_eq!(answer.status, status, "{body:.100}");
        assert!(!answer.text().is_empty(), "{body:.100}");
    }
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 0);
    assert_eq!(
        server.post("/push", envelope("no event", "")).await.status,
        204
    );
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 1);
}

#[tokio::test]
async fn m8_an_order_is_poison_here() {
    let Some(server) = Server::open().await else {
        return;
    };
    let order = rpc::testing::order(domain::JobId::new(), domain::TaskId::new());
    let order = String::from_utf8(order.to_json()).unwrap();
    let counted = envelope(&order, r#","deliveryAttempt":1"#);
    assert_eq!(server.post("/push", counted).await.status, 400);
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 0);
    let answer = server.post("/push", envelope(&order, "")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 1);
}

#[tokio::test]
async fn an_event_of_a_job_that_is_gone_is_done_with() {
    let Some(server) = Server::open().await else {
        return;
    };
    assert_eq!(server.post("/push", envelope(EVENT, "")).await.status, 204);
}

#[tokio::test]
async fn m5_an_event_waits_for_the_database() {
    let Some(server) = Server::open().await else {
        return;
    };
    server.lose_database().await;
    let answer = server.post("/push", envelope(EVENT, "")).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(server.post("/tasks/sweep", "").await.status, 503);
}

#[tokio::test]
async fn messages_given_up_and_sweeps_are_taken() {
    let Some(server) = Server::open().await else {
        return;
    };
    assert_eq!(
        server
            .post("/push/dead-letter", envelope("no sense", ""))
            .await
            .status,
        204
    );
    assert_eq!(
        server.post("/push/dead-letter", "not json").await.status,
        400
    );
    assert_eq!(server.post("/tasks/sweep", "").await.status, 204);
    assert_eq!(server.get("/tasks/sweep").await.status, 405);
}

#[tokio::test]
async fn m7_pushes_need_the_token_of_an_accepted_account() {
    let key = SigningKey::new("first");
    let keys = KeyServer::start(&[&key]).await;
    let verifier = PushVerifier::new(&keys.expected()).unwrap();
    let access = Access::new(&Tokens::default()).with_pushers(Some(verifier));
    let Some(server) = Server::with_access(&access).await else {
        return;
    };
    for (token, status) in judged(&key) {
        let token = format!("Bearer {token}");
        for path in ["/push", "/push/dead-letter", "/tasks/sweep"] {
            let request = Request::post(path).header("authorization", &token);
            let request = request.body(Body::from(envelope(EVENT, ""))).unwrap();
            let answer = server.send(request).await;
            assert_eq!(answer.status, status, "{path} {token}: {answer:?}");
        }
    }
    assert_eq!(server.post("/push", envelope(EVENT, "")).await.status, 401);
}
