//! The function in process, on an empty database.

use app::worker::{OrderFiles, Worker, WorkerOptions};
use database::testing::TestDatabase;
use domain::job::ConsolidationOrder;
use domain::job::payload::{OrderDataset, OrderRecord, TargetContainer};
use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, Instant, JobId, RecordId,
    Resampling, Size, StorageClass, TaskId, Uri,
};
use geocube_consolidater_lambda::Function;
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use messaging::{Consumer, MemoryQueue};
use rpc::http::Access;
use runtime::config::Tokens;
use serde_json::Value;
use std::collections::BTreeMap;
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
