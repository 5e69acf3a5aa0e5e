//! The program itself, invoked as Lambda does: it asks for events over HTTP, and posts their answers.

use crate::harness::order;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use database::testing::TestDatabase;
use serde_json::{Value, json};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Kills the program with the test.
pub struct Program(pub Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The side of Lambda: events to hand out, and where their answers go.
#[derive(Clone)]
struct Lambda {
    events: Arc<Mutex<Vec<Value>>>,
    answers: mpsc::UnboundedSender<(String, Value)>,
}

async fn next(State(lambda): State<Lambda>) -> Response {
    let event = lambda.events.lock().unwrap().pop();
    match event {
        Some(event) => invocation(event),
        // nothing more: the program waits for ever
        None => std::future::pending().await,
    }
}

/// An event as Lambda hands it out.
pub fn invocation(event: Value) -> Response {
    let deadline = SystemTime::now() + Duration::from_mins(15);
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", "1".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-3:1:function:f".to_owned(),
        ),
    ];
    (headers, Json(event)).into_response()
}

async fn answered(
    State(lambda): State<Lambda>,
    Path((_, kind)): Path<(String, String)>,
    body: String,
) -> Response {
    let answer = serde_json::from_str(&body).unwrap_or(Value::Null);
    lambda.answers.send((kind, answer)).unwrap();
    http::StatusCode::ACCEPTED.into_response()
}

/// Starts the program, which asks for its events at an address.
pub fn function(runtime_api: &str, database: &str, folder: &std::path::Path) -> Program {
    let program = Command::new(env!("CARGO_BIN_EXE_geocube-consolidater-lambda"))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("GEOCUBE_DB_CONNECTION", database)
        .env("GEOCUBE_WORKDIR", folder.join("work"))
        .env("GEOCUBE_CANCELLED_JOBS", folder.join("cancelled"))
        .spawn();
    Program(program.unwrap())
}

#[tokio::test]
async fn the_program_answers_the_events_of_lambda() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (answers, mut received) = mpsc::unbounded_channel();
    let sqs = json!({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": order()}]});
    let foreign = json!({"Records": [{"eventSource": "aws:s3"}]});
    let lambda = Lambda {
        events: Arc::new(Mutex::new(vec![foreign, sqs])),
        answers,
    };
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answered))
        .with_state(lambda);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let _program = function(&address.to_string(), &database.url(), folder.path());
    for expected in [
        ("response", json!({"batchItemFailures": []})),
        ("error", Value::Null),
    ] {
        let answer = tokio::time::timeout(Duration::from_mins(1), received.recv());
        let (kind, answer) = answer.await.unwrap().unwrap();
        if kind == "response" {
            assert_eq!((kind.as_str(), answer), expected);
        } else {
            assert_eq!(kind, expected.0);
            assert_eq!(answer["errorMessage"], "expected records of SQS or SNS");
        }
    }
}
