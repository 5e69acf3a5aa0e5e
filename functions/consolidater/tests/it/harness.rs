//! A consolidater in process, on an empty database.

use app::worker::{OrderFiles, Worker, WorkerOptions};
use axum::body::Body;
use axum::response::Response;
use database::testing::TestDatabase;
use http::Request;
use messaging::MemoryQueue;
use rpc::http::{Access, orders_router};
use runtime::config::Tokens;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

/// The whole of what a port answers.
pub struct Consolidater {
    pub queue: MemoryQueue,
    router: axum::Router,
    database: TestDatabase,
    _workdir: TempDir,
}

impl Consolidater {
    /// A consolidater that takes every push; `None`, said on standard error, without a database.
    pub async fn open() -> Option<Self> {
        Self::with_tokens(&Tokens::default()).await
    }

    /// A consolidater that asks for tokens.
    pub async fn with_tokens(tokens: &Tokens) -> Option<Self> {
        Self::with_access(&Access::new(tokens)).await
    }

    /// As above, with whatever else may open it.
    pub async fn with_access(access: &Access) -> Option<Self> {
        let database = TestDatabase::create().await?;
        let queue = MemoryQueue::new();
        let workdir = tempfile::tempdir().unwrap();
        let options = WorkerOptions {
            workdir: workdir.path().join("scratch"),
            cancelled_jobs: None,
            retry_count: 1,
            parallel_records: 1,
            local_copies_bytes: Some(0),
            zstd_level: 1,
            max_task_duration: Some(Duration::from_mins(1)),
            max_concurrent_tasks: 1,
            busy_hold: Duration::ZERO,
            scratch_bytes: None,
            lease: Duration::from_secs(30),
            owner: "test".to_owned(),
            events_queue: "events".to_owned(),
            orders_queue: "consolidations".to_owned(),
            files: OrderFiles::default(),
            limits: imaging::Limits::default(),
        };
        let storage = Arc::new(storage::Router::new());
        let worker = Worker::start(
            database.db.clone(),
            storage,
            Arc::new(queue.clone()),
            options,
        )
        .unwrap();
        let router = orders_router(&worker, access);
        Some(Self {
            queue,
            router,
            database,
            _workdir: workdir,
        })
    }

    /// Runs a statement.
    pub async fn store(&self, sql: &str) {
        self.database.run(&[sql]).await;
    }

    /// Status, starts and deliveries of all orders.
    pub async fn runs(&self) -> Vec<String> {
        let query =
            "SELECT status || ', ' || starts || ' start(s), ' || deliveries || ' deliveries'
                     FROM geocube.task_leases";
        self.database.texts(query).await
    }

    /// Makes every further use of the database fail.
    pub async fn lose_database(&self) {
        self.database.db.close().await;
    }

    /// An answer as it comes.
    pub async fn response(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Status and text of an answer.
    pub async fn send(&self, request: Request<Body>) -> (u16, String) {
        let response = self.response(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> (u16, String) {
        self.send(Request::post(path).body(body.into()).unwrap())
            .await
    }
}
