//! The main job, of which the function carries out every order, given to it as SQS does.

use crate::program::{Program, function, invocation};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use database::testing::TestDatabase;
use serde_json::{Value, json};
use std::path::{Path as FilePath, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_mins(1);
/// The next order that waits to be pulled, taken out of the embedded queue.
const TAKE: &str =
    "DELETE FROM pgq_jobs WHERE id = (SELECT min(id) FROM pgq_jobs WHERE queue_name = 'consolidations')
     RETURNING convert_from(data, 'UTF8')";

/// The side of Lambda and of its queue.
#[derive(Clone)]
struct Lambda {
    database: Arc<TestDatabase>,
    answers: Arc<Mutex<Vec<(String, Value)>>>,
}

async fn next(State(lambda): State<Lambda>) -> Response {
    loop {
        if let Some(order) = lambda.database.texts(TAKE).await.pop() {
            let record = json!({"messageId": "m", "eventSource": "aws:sqs", "body": order});
            return invocation(json!({"Records": [record]}));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn answered(
    State(lambda): State<Lambda>,
    Path((_, kind)): Path<(String, String)>,
    body: String,
) -> Response {
    let answer = serde_json::from_str(&body).unwrap_or(Value::Null);
    lambda.answers.lock().unwrap().push((kind, answer));
    http::StatusCode::ACCEPTED.into_response()
}

/// A program of another package, beside that of this one.
fn beside(name: &str) -> Option<PathBuf> {
    let own = FilePath::new(env!("CARGO_BIN_EXE_geocube-consolidater-lambda"));
    let path = own.with_file_name(name);
    if !path.is_file() {
        eprintln!("skipped: needs {name} (cargo build --workspace --bins)");
        return None;
    }
    Some(path)
}

/// Waits until a server takes connections.
async fn is_up(address: &str) {
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "{address} does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_function_writes_the_files_of_the_main_job() {
    let (Some(server), Some(geocube)) = (beside("geocube-apiserver"), beside("geocube")) else {
        return;
    };
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let database = Arc::new(database);
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let api = Command::new(server)
        .args(["--host=127.0.0.1", "--local"])
        .arg(format!("--port={}", address.port()))
        .arg("--ingestionStorage")
        .arg(folder.path().join("files"))
        .arg("--cancelledJobs")
        .arg(folder.path().join("cancelled"))
        .env("GEOCUBE_DB_CONNECTION", database.url())
        .spawn();
    let _api = Program(api.unwrap());

    let lambda = Lambda {
        database: Arc::clone(&database),
        answers: Arc::default(),
    };
    let routes = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answered))
        .with_state(lambda.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let runtime_api = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let _function = function(&runtime_api.to_string(), &database.url(), folder.path());

    // it indexes images, has them consolidated, and compares what the new files hold with the images
    is_up(&address.to_string()).await;
    let mut demo = Command::new(geocube);
    demo.args(["demo", "--server", &address.to_string(), "--out"])
        .arg(folder.path().join("sheet.png"));
    let done = tokio::task::spawn_blocking(move || demo.output()).await;
    let done = done.unwrap().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let refused = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{refused}");
    assert!(
        said.contains("equal pixels   all of the images on the grid"),
        "{said}"
    );

    let carried_out = "SELECT status FROM geocube.task_leases";
    let carried_out = database.texts(carried_out).await;
    assert!(!carried_out.is_empty());
    assert!(carried_out.iter().all(|status| status == "SUCCEEDED"));
    // the result of an order is known before the function has answered
    let begun = Instant::now();
    while lambda.answers.lock().unwrap().len() < carried_out.len() {
        assert!(begun.elapsed() < PATIENCE, "an order is not answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let good = ("response".to_owned(), json!({"batchItemFailures": []}));
    for answer in lambda.answers.lock().unwrap().iter() {
        assert_eq!(*answer, good);
    }
}
