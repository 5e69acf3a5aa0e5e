//! Events of each service, and their answers.

use crate::harness::{Lambda, order};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{JobId, TaskId};
use runtime::config::Tokens;
use serde_json::{Value, json};
use std::time::Duration;

fn sqs(bodies: &[&str]) -> Value {
    let record = |(number, body): (usize, &&str)| {
        json!({
            "messageId": format!("m{number}"), "receiptHandle": "r", "body": body,
            "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1"}, "messageAttributes": {},
            "md5OfBody": "x", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-3:1:consolidations",
            "awsRegion": "eu-west-3",
        })
    };
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn notification(message: &str) -> String {
    json!({
        "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-3:1:orders", "Message": message,
        "Timestamp": "2026-01-01T00:00:00.000Z", "SignatureVersion": "1", "Signature": "x",
    })
    .to_string()
}

fn envelope(order: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "order", "source": "geocube", "account": "1",
        "time": "2026-01-01T00:00:00Z", "region": "eu-west-3", "resources": [],
        "detail": serde_json::from_str::<Value>(order).unwrap_or_else(|_| json!(order)),
    })
}

fn sns(message: &str) -> Value {
    let sns = serde_json::from_str::<Value>(&notification(message)).unwrap();
    json!({"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "Sns": sns}]})
}

fn failures(ids: &[&str]) -> Value {
    let items = ids.iter().map(|id| json!({"itemIdentifier": id}));
    json!({"batchItemFailures": items.collect::<Vec<_>>()})
}

#[tokio::test]
async fn m21_orders_of_each_service_are_carried_out() {
    let Some(lambda) = Lambda::open(&Tokens::default()).await else {
        return;
    };
    let order = order();
    for (event, answer) in [
        (sqs(&[&order]), failures(&[])),
        (sqs(&[&notification(&order)]), failures(&[])),
        (sqs(&[&envelope(&order).to_string()]), failures(&[])),
        (
            sqs(&[&notification(&envelope(&order).to_string())]),
            failures(&[]),
        ),
        (sqs(&[&order, &order]), failures(&[])),
        (sqs(&[]), failures(&[])),
        (sns(&order), failures(&[])),
        (envelope(&order), Value::Null),
        (serde_json::from_str(&order).unwrap(), Value::Null),
    ] {
        assert_eq!(lambda.answer(event.clone()).await, Ok(answer), "{event}");
    }
    // had any of them not been unwrapped, it would lie there
    assert_eq!(lambda.put_aside().await, 0);
}

#[tokio::test]
async fn what_is_no_order_is_put_aside_and_done_with() {
    let Some(lambda) = Lambda::open(&Tokens::default()).await else {
        return;
    };
    let event = r#"{"v":1,"type":"job_event","job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","status":"JobCreated","error":"","seq":1}"#;
    for (number, (given, answer)) in [
        (sqs(&["no order"]), failures(&[])),
        (sqs(&[&notification("no order")]), failures(&[])),
        (sqs(&[event]), failures(&[])),
        (sns("{}"), failures(&[])),
        (envelope("no order"), Value::Null),
        (json!({"some": "thing"}), Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(lambda.answer(given.clone()).await, Ok(answer), "{given}");
        assert_eq!(lambda.put_aside().await, number as u64 + 1, "{given}");
    }
}

#[tokio::test]
async fn m21_what_cannot_be_done_for_now_comes_again() {
    let Some(lambda) = Lambda::open(&Tokens::default()).await else {
        return;
    };
    let order = order();
    let late = lambda
        .answer_within(sqs(&[&order]), Duration::from_secs(20))
        .await;
    assert_eq!(late, Ok(failures(&["m0"])), "too little time is left");

    lambda.lose_database().await;
    let answer = lambda.answer(sqs(&[&order, "no order", &order])).await;
    assert_eq!(answer, Ok(failures(&["m0", "m2"])));
    for whole in [
        sns(&order),
        envelope(&order),
        serde_json::from_str(&order).unwrap(),
    ] {
        let answer = lambda.answer(whole.clone()).await;
        assert!(answer.is_err(), "{whole}: {answer:?}");
    }
}

#[tokio::test]
async fn m21_an_order_that_runs_elsewhere_comes_again() {
    let Some(lambda) = Lambda::open(&Tokens::default()).await else {
        return;
    };
    let (job, task) = (JobId::new(), TaskId::new());
    let running = format!(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
             failed_tasks, execution_level, waiting)
         VALUES ('{job}', 'job', now(), now(), '{{}}', 'CONSOLIDATIONINPROGRESS', 'CONSOLIDATION', 1, 0, 1, false);
         INSERT INTO geocube.tasks (id, job_id, state, payload) VALUES ('{task}', '{job}', 'PENDING', '');
         INSERT INTO geocube.task_leases (task_id, job_id, attempt, status, run_id, owner, lease_until)
         VALUES ('{task}', '{job}', 1, 'RUNNING', gen_random_uuid(), 'other', now() + interval '2 minutes')"
    );
    lambda.store(&running).await;
    let busy = String::from_utf8(rpc::testing::order(job, task).to_json()).unwrap();
    let batch = sqs(&[&order(), &notification(&busy), "no order"]);
    assert_eq!(lambda.answer(batch).await, Ok(failures(&["m1"])));
    assert_eq!(lambda.put_aside().await, 1);
}

#[tokio::test]
async fn records_of_other_services_are_refused() {
    let Some(lambda) = Lambda::open(&Tokens::default()).await else {
        return;
    };
    let s3 = json!({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}}}]});
    let error = lambda.answer(s3).await.unwrap_err();
    assert_eq!(error, "expected records of SQS or SNS");
}

/// A request of a function URL, which has the form of HTTP APIs.
fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Value {
    let mut headers =
        json!({"content-type": "application/json", "host": "x.lambda-url.eu-west-3.on.aws"});
    if let Some(token) = token {
        headers["authorization"] = json!(format!("Bearer {token}"));
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "x", "domainName": "x.lambda-url.eu-west-3.on.aws", "domainPrefix": "x",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "a"},
            "requestId": "1", "routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64,
        },
        "body": BASE64_STANDARD.encode(body), "isBase64Encoded": true,
    })
}

#[tokio::test]
async fn over_http_the_port_is_that_of_the_other_consolidater() {
    let tokens = Tokens {
        event: Some("e".into()),
        ..Tokens::default()
    };
    let Some(lambda) = Lambda::open(&tokens).await else {
        return;
    };
    let push = |data: &str| {
        let data = BASE64_STANDARD.encode(data);
        json!({"message": {"data": data}, "deliveryAttempt": 1}).to_string()
    };
    for (method, path, token, body, status) in [
        ("POST", "/push", Some("e"), push(&order()), 204),
        ("POST", "/push", Some("e"), push("no order"), 400),
        ("POST", "/push", Some("e"), "not json".to_owned(), 400),
        ("POST", "/push", Some("x"), push(&order()), 401),
        ("POST", "/push", None, push(&order()), 401),
        ("GET", "/push", Some("e"), String::new(), 405),
        ("GET", "/", None, String::new(), 200),
    ] {
        let answer = lambda
            .answer(request(method, path, token, &body))
            .await
            .unwrap();
        assert_eq!(
            answer["statusCode"], status,
            "{method} {path} {token:?} {body}: {answer}"
        );
    }
    assert!(lambda.answer(json!({"requestContext": 7})).await.is_err());
}
