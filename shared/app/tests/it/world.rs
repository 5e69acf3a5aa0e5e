//! A service and a worker over a database and a folder of their own, whose messages are delivered
//! by the test.

mod faulty;
mod gate;
mod lease;
mod mailbox;
mod moody;
mod scene;

pub use faulty::Faulty;
pub use gate::{Gate, Stall};
pub use mailbox::Mailbox;
pub use moody::{Mood, Moody};
pub use scene::{SIDE, Scene, transform};

use app::job::{JobQuery, JobSnapshot, NewConsolidation, PushAnswer};
use app::worker::{OrderFiles, Worker, WorkerOptions};
use app::{App, Engine, Limits, NewContainer, NewDataset, Options, PathPolicy};
use database::testing::TestDatabase;
use domain::job::{ExecutionLevel, JobState};
use domain::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage, Storage};

pub const EVENTS: &str = "events";
pub const ORDERS: &str = "orders";

pub struct World {
    pub app: App,
    pub worker: Worker,
    pub mailbox: Arc<Mailbox>,
    pub folder: tempfile::TempDir,
    pub variable: VariableId,
    pub instance: InstanceId,
    pub aoi: AoiId,
    /// Dropped last.
    pub database: TestDatabase,
}

/// Encoding of the images, of the variable and of the consolidated files: nothing is lost.
pub fn format() -> DataFormat {
    DataFormat::try_new(DType::UInt16, 0.0, 1.0, 10_000.0).unwrap()
}

impl World {
    /// `None`, said on standard error, where there is no database server.
    pub async fn new() -> Option<Self> {
        imaging::init(&imaging::Options::default()).unwrap();
        let database = TestDatabase::create().await?;
        let folder = tempfile::tempdir().unwrap();
        let mailbox = Arc::new(Mailbox::default());
        let storage = Arc::new(LocalStorage::new(AllowedRoots::Below(vec![
            folder.path().to_owned(),
        ])));
        let app = App::new(
            database.db.clone(),
            storage.clone(),
            mailbox.clone(),
            Engine::new(2, 1 << 28),
            options(folder.path()),
        );
        let worker = worker(
            &database,
            storage,
            mailbox.clone(),
            worker_options(folder.path()),
        );
        let (variable, instance) = variable_of(&app).await;
        create_layout(&app, "tiles", 10).await;
        let corner = |x, y| Point::new(x, y);
        let area = Ring::rectangle(corner(2.9, 44.9), corner(3.1, 45.1)).into();
        let aoi = app
            .create_aoi(AoiGeometry::try_new(area, 100).unwrap())
            .await
            .unwrap();
        Some(Self {
            app,
            worker,
            mailbox,
            folder,
            variable,
            instance,
            aoi,
            database,
        })
    }

    /// Another service and worker over the same database and queue, whose files lie elsewhere.
    pub fn moved(&mut self, storage: Arc<dyn Storage>, ingestion: &Uri, inputs: &Uri) {
        let folder = self.folder.path();
        let cancelled = ingestion.join(["cancelled"]).unwrap();
        let mut options = options(folder);
        options.paths.managed = vec![ingestion.clone(), inputs.clone()];
        options.ingestion_storage = Some(ingestion.clone());
        options.cancelled_jobs = Some(cancelled.clone());
        let (database, mailbox) = (self.database.db.clone(), self.mailbox.clone());
        self.app = App::new(
            database.clone(),
            storage.clone(),
            mailbox.clone(),
            Engine::new(2, 1 << 28),
            options,
        );
        let mut options = worker_options(folder);
        options.workdir = folder.join("moved-work");
        options.cancelled_jobs = Some(cancelled);
        options.files.target_root = Some(ingestion.clone());
        self.worker = Worker::start(database, storage, mailbox, options).unwrap();
    }

    /// Consolidated files have another class from now on.
    pub async fn archive(&self, class: StorageClass) {
        let params = ConsolidationParams {
            storage_class: class,
            ..params()
        };
        let configured = self.app.config_consolidation(self.variable, params);
        configured.await.unwrap();
    }

    /// The same service and worker over another queue.
    pub fn over(&self, publisher: Arc<dyn messaging::Publisher>) -> (App, Worker) {
        let roots = AllowedRoots::Below(vec![self.folder.path().to_owned()]);
        let storage = Arc::new(LocalStorage::new(roots));
        let app = App::new(
            self.database.db.clone(),
            storage.clone(),
            publisher.clone(),
            Engine::new(2, 1 << 28),
            self.app.options().clone(),
        );
        let mut options = worker_options(self.folder.path());
        options.workdir = self.folder.path().join("work-over");
        let worker = Worker::start(self.database.db.clone(), storage, publisher, options);
        (app, worker.unwrap())
    }

    /// The same service, whose statements may take no longer than this.
    pub async fn hasty(&self, statement_timeout: Duration) -> App {
        let options = database::PoolOptions {
            statement_timeout,
            ..database::PoolOptions::default()
        };
        let database = database::Database::connect(&self.database.url(), &options)
            .await
            .unwrap();
        let roots = AllowedRoots::Below(vec![self.folder.path().to_owned()]);
        App::new(
            database,
            Arc::new(LocalStorage::new(roots)),
            self.mailbox.clone(),
            Engine::new(2, 1 << 28),
            self.app.options().clone(),
        )
    }

    /// Another worker over the same database, files and queues.
    pub fn other_worker(&self, change: impl FnOnce(&mut WorkerOptions)) -> Worker {
        let mut options = worker_options(self.folder.path());
        options.workdir = self.folder.path().join("other-work");
        change(&mut options);
        let storage = LocalStorage::new(AllowedRoots::Below(vec![self.folder.path().to_owned()]));
        worker(
            &self.database,
            Arc::new(storage),
            self.mailbox.clone(),
            options,
        )
    }

    /// Another worker, which waits at a gate.
    pub fn gated_worker(&self, stall: Stall) -> (Worker, Arc<Gate>) {
        self.gated_worker_with(stall, |options| options.lease = Duration::from_secs(2))
    }

    pub fn gated_worker_with(
        &self,
        stall: Stall,
        change: impl FnOnce(&mut WorkerOptions),
    ) -> (Worker, Arc<Gate>) {
        let roots = AllowedRoots::Below(vec![self.folder.path().to_owned()]);
        let gate = Arc::new(Gate::new(LocalStorage::new(roots), stall));
        let mut options = worker_options(self.folder.path());
        options.workdir = self.folder.path().join("gated-work");
        change(&mut options);
        let database = self.database.db.clone();
        let worker = Worker::start(database, gate.clone(), self.mailbox.clone(), options);
        (worker.unwrap(), gate)
    }

    /// A record of this day and an image of it, indexed, in a file that belongs to the service.
    pub async fn add(&self, day: u32, scene: Scene) -> Added {
        self.add_as(day, scene, true).await
    }

    pub async fn add_as(&self, day: u32, scene: Scene, managed: bool) -> Added {
        let record = self.record(day).await;
        let file = self
            .folder
            .path()
            .join("data")
            .join(format!("image-{day}-{}.tif", scene.seed));
        scene.write(&file);
        let uri = self.index(record, file.to_str().unwrap(), managed).await;
        Added { record, file, uri }
    }

    pub async fn record(&self, day: u32) -> RecordId {
        let time = Instant::from_timestamp(1_577_836_800 + i64::from(day) * 86_400, 0).unwrap();
        let tags = Tags::try_new(BTreeMap::new()).unwrap();
        let record = NewRecord::try_new(format!("day-{day}"), time, tags, self.aoi).unwrap();
        self.app.create_records(vec![record]).await.unwrap()[0]
    }

    /// A file that is there, indexed once more as one of the service, under some name of it.
    pub async fn index_again(&self, record: RecordId, name: &str) {
        self.index(record, name, true).await;
    }

    async fn index(&self, record_id: RecordId, name: &str, managed: bool) -> Uri {
        let uri = Uri::parse(name).unwrap();
        let dataset = NewDataset {
            record_id,
            instance_id: self.instance,
            subdir: String::new(),
            bands: Bands::first(1),
            mapping: DataMapping::identity(format()),
        };
        let container = NewContainer {
            uri: uri.clone(),
            managed,
            datasets: vec![dataset],
        };
        self.app.index(container).await.unwrap();
        uri
    }

    pub fn consolidation(&self, name: &str, records: &[RecordId]) -> NewConsolidation {
        NewConsolidation {
            name: name.to_owned(),
            instance_id: self.instance,
            selection: RecordSelection::Ids(records.to_vec()),
            layout: "tiles".to_owned(),
            level: ExecutionLevel::Asynchronous,
            collapse: None,
        }
    }

    /// Delivers every message, those that follow included. Each has to be handled.
    pub async fn deliver_all(&self) {
        while let Some((queue, data)) = self.mailbox.take() {
            let answer = self.deliver(&queue, &data).await;
            assert_eq!(
                answer,
                PushAnswer::Done,
                "{queue}: {}",
                String::from_utf8_lossy(&data)
            );
        }
    }

    /// As [`World::deliver_all`], each message several times.
    pub async fn deliver_all_times(&self, times: usize) {
        while let Some((queue, data)) = self.mailbox.take() {
            for _ in 0..times {
                let answer = self.deliver(&queue, &data).await;
                assert_eq!(
                    answer,
                    PushAnswer::Done,
                    "{queue}: {}",
                    String::from_utf8_lossy(&data)
                );
            }
        }
    }

    pub async fn deliver(&self, queue: &str, data: &[u8]) -> PushAnswer {
        match queue {
            EVENTS => self.app.receive(data, Some(1)).await,
            ORDERS => self.worker.receive(data, Some(1)).await,
            other => panic!("a message for {other}"),
        }
    }

    pub async fn job(&self, id: JobId) -> JobSnapshot {
        self.app.job(id, 0, 1000).await.unwrap()
    }

    /// The deletion jobs that consolidations made.
    pub async fn deletions(&self) -> Vec<JobSnapshot> {
        let name = Pattern::parse("*_deletion_*");
        self.app
            .list_jobs(&JobQuery {
                name,
                ..JobQuery::default()
            })
            .await
            .unwrap()
    }

    pub async fn state(&self, id: JobId) -> JobState {
        self.job(id).await.job.state
    }

    /// Visible datasets of the instance, by time.
    pub async fn visible(&self) -> Vec<app::RecordDatasets> {
        let all = RecordSelection::Filters(RecordFilters::default());
        self.app.list_datasets(self.instance, &all).await.unwrap()
    }

    /// Pixels of visible datasets on the cell with its north-west corner at the origin of a scene.
    pub async fn pixels(&self, record: RecordId) -> Vec<u16> {
        let datasets = self.visible().await;
        let found = datasets
            .into_iter()
            .find(|found| found.record.id == record)
            .unwrap();
        let sources = found.sources;
        let target = imaging::Target {
            crs: imaging::Crs::parse("32631").unwrap(),
            transform: transform(0, 0),
            size: Size::try_new(SIDE.into(), SIDE.into()).unwrap(),
        };
        let mapping = DataMapping::identity(format());
        let merge = || {
            imaging::merge(
                &sources,
                &target,
                &mapping,
                Resampling::Near,
                &imaging::Limits::default(),
                &|| false,
            )
        };
        let image = tokio::task::block_in_place(merge);
        let bytes = image.unwrap().into_band_sequential();
        bytes
            .chunks_exact(2)
            .map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
            .collect()
    }

    /// Files below the folder of the service, by path.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().join("data")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    /// Number of datasets that some jobs hold.
    pub async fn locked(&self, jobs: &[JobId]) -> u64 {
        let mut connection = self.database.db.read().await.unwrap();
        let mut count = 0;
        for job in jobs {
            count += database::dataset::count_of_job(&mut connection, *job)
                .await
                .unwrap();
        }
        count
    }
}

/// An indexed image.
pub struct Added {
    pub record: RecordId,
    pub file: PathBuf,
    pub uri: Uri,
}

fn options(folder: &Path) -> Options {
    std::fs::create_dir_all(folder.join("data")).unwrap();
    let data = Uri::parse(folder.join("data").to_str().unwrap()).unwrap();
    Options {
        limits: Limits::default(),
        paths: PathPolicy {
            allowed: vec![folder.to_owned()],
            managed: vec![data.clone()],
            ..PathPolicy::default()
        },
        workers: 1,
        ingestion_storage: Some(data),
        cancelled_jobs: Some(Uri::parse(folder.join("cancelled").to_str().unwrap()).unwrap()),
        events_queue: EVENTS.to_owned(),
        orders_queue: ORDERS.to_owned(),
        tidy_min_age: Duration::ZERO,
    }
}

fn worker_options(folder: &Path) -> WorkerOptions {
    WorkerOptions {
        workdir: folder.join("work"),
        cancelled_jobs: Some(Uri::parse(folder.join("cancelled").to_str().unwrap()).unwrap()),
        retry_count: 1,
        parallel_records: 1,
        local_copies_bytes: None,
        zstd_level: 1,
        max_task_duration: Some(Duration::from_mins(1)),
        max_concurrent_tasks: 1,
        busy_hold: Duration::ZERO,
        scratch_bytes: None,
        lease: Duration::from_secs(30),
        owner: "test".to_owned(),
        events_queue: EVENTS.to_owned(),
        orders_queue: ORDERS.to_owned(),
        files: OrderFiles::default(),
        limits: imaging::Limits::default(),
    }
}

fn worker(
    database: &TestDatabase,
    storage: Arc<LocalStorage>,
    mailbox: Arc<Mailbox>,
    options: WorkerOptions,
) -> Worker {
    Worker::start(database.db.clone(), storage, mailbox, options).unwrap()
}

async fn variable_of(app: &App) -> (VariableId, InstanceId) {
    let definition = NewVariable {
        name: "reflectance".to_owned(),
        unit: String::new(),
        description: String::new(),
        format: format(),
        bands: vec![String::new()],
        palette: None,
        resampling: Resampling::Near,
    };
    let variable = app.create_variable(definition).await.unwrap();
    let instance = app
        .instantiate_variable(variable, "master".to_owned(), BTreeMap::new())
        .await
        .unwrap();
    app.config_consolidation(variable, params()).await.unwrap();
    (variable, instance.id)
}

/// How files are written unless a test asks for something else.
pub fn params() -> ConsolidationParams {
    ConsolidationParams {
        format: format(),
        exponent: 1.0,
        resampling: Resampling::Near,
        compression: Compression::Lossless,
        storage_class: StorageClass::Standard,
        creation_params: BTreeMap::new(),
    }
}

pub async fn create_layout(app: &App, name: &str, max_records: u32) {
    create_layout_of(app, name, SIDE, max_records).await;
}

/// A layout with cells of so many pixels.
pub async fn create_layout_of(app: &App, name: &str, cell: u32, max_records: u32) {
    let (ox, oy) = scene::ORIGIN;
    let parameters = [
        ("grid", "regular".to_owned()),
        ("crs", "epsg:32631".to_owned()),
        ("cell_size", cell.to_string()),
        ("resolution", "10".to_owned()),
        ("ox", ox.to_string()),
        ("oy", oy.to_string()),
    ];
    let layout = Layout {
        name: name.to_owned(),
        grid_flags: Vec::new(),
        grid_parameters: parameters
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        block_x_size: 32,
        block_y_size: 32,
        max_records,
        overviews_min_size: 32,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
    };
    app.create_layout(&layout).await.unwrap();
}
