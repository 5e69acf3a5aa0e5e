//! The function in process, on an empty database.

use app::worker::{OrderFiles, Worker, WorkerOptions};
use database::testing::TestDatabase;
use domain::{JobId, TaskId};
use geocube_consolidater_lambda::Function;
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use messaging::{Consumer, MemoryQueue};
use rpc::http::Access;
use runtime::config::Tokens;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The function and what it works on.
pub struct Lambda {
    function: Function,
    queue: MemoryQueue,
    database: TestDatabase,
    _workdir: TempDir,
}

impl Lambda {
    /// A function; `None`, said on standard error, without a database.
    pub async fn open(tokens: &Tokens) -> Option<Self> {
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
        let publisher = Arc::new(queue.clone());
        let worker = Worker::start(database.db.clone(), storage, publisher, options).unwrap();
        Some(Self {
            function: Function::new(worker, Access::new(tokens)),
            queue,
            database,
            _workdir: workdir,
        })
    }

    /// Runs statements.
    pub async fn store(&self, sql: &str) {
        self.database.run(&[sql]).await;
    }

    /// Makes every further use of the database fail.
    pub async fn lose_database(&self) {
        self.database.db.close().await;
    }

    /// The answer to an event, or why it is to come again.
    pub async fn answer(&self, payload: Value) -> Result<Value, String> {
        self.answer_within(payload, Duration::from_mins(15)).await
    }

    /// The same, with so much time left.
    pub async fn answer_within(&self, payload: Value, time: Duration) -> Result<Value, String> {
        let end = (SystemTime::now() + time).duration_since(UNIX_EPOCH);
        let mut context = Context::default();
        context.deadline = end.unwrap().as_millis() as u64;
        let answer = self.function.answer(LambdaEvent::new(payload, context));
        answer.await.map_err(|error| format!("{error:#}"))
    }

    /// Orders put aside.
    pub async fn put_aside(&self) -> u64 {
        self.queue.backlog("consolidations-failed").await.unwrap()
    }
}

/// An order of a task that does not exist: nothing is left to do for it.
pub fn order() -> String {
    let order = rpc::testing::order(JobId::new(), TaskId::new());
    String::from_utf8(order.to_json()).unwrap()
}
