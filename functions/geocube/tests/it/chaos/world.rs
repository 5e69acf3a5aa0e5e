//! A catalogue of images, made once and restored for each set of jobs.

use super::programs::{Programs, Which};
use super::random::Random;
use super::scene::{self, Scene};
use super::trouble::Trouble;
use app::{App, Engine, Limits, NewContainer, NewDataset, Options, PathPolicy};
use database::testing::{Scratch, TestDatabase};
use database::{Database, PoolOptions};
use domain::*;
use messaging::{Message, Publisher};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage};

/// Where the images lie, by day: on a cell of the layout `tiles`, or over several cells of `fine`.
const SHIFTS: [(i32, i32); 12] = [
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (20, 30),
    (20, 30),
    (-16, 8),
    (64, 0),
    (64, 0),
    (0, 64),
    (0, 64),
];

/// Days of the images that are rewritten twice, the last one the second time only.
pub const TWICE: std::ops::Range<usize> = 0..5;
/// Days of those that cover several cells.
pub const WIDE: std::ops::Range<usize> = 5..8;
/// Days of those that are deleted.
pub const DELETED: std::ops::Range<usize> = 8..10;
/// Days of those whose job is cancelled.
pub const CANCELLED: std::ops::Range<usize> = 10..12;

/// The catalogue before anything is done.
pub struct Prepared {
    folder: tempfile::TempDir,
    template: Scratch,
    pub instance: InstanceId,
    /// By day.
    pub records: Vec<RecordId>,
}

/// A copy of it, and the programs over it.
pub struct World<'a> {
    pub prepared: &'a Prepared,
    pub random: Random,
    pub programs: Programs,
    /// Reads what the programs write.
    pub app: App,
    pub database: Scratch,
    pub trouble: Option<&'static Trouble>,
}

impl Prepared {
    /// `None`, said on standard error, where there is no database server.
    pub async fn new() -> Option<Self> {
        imaging::init(&imaging::Options::default()).unwrap();
        let database = TestDatabase::create().await?;
        let folder = tempfile::tempdir().unwrap();
        let app = app(database.db.clone(), folder.path());
        let instance = variable_of(&app).await;
        create_layout(&app, "tiles", scene::SIDE, 3).await;
        create_layout(&app, "fine", 48, 2).await;
        let corner = |x, y| Point::new(x, y);
        let area = Ring::rectangle(corner(2.9, 44.9), corner(3.1, 45.1)).into();
        let area = AoiGeometry::try_new(area, 100).unwrap();
        let aoi = app.create_aoi(area).await.unwrap();
        let mut records = Vec::new();
        for day in 0..SHIFTS.len() {
            records.push(index(&app, folder.path(), instance, aoi, day).await);
        }
        let images = folder.path().join("data");
        fs::rename(images, folder.path().join("images")).unwrap();
        Some(Self {
            template: database.freeze().await,
            folder,
            instance,
            records,
        })
    }

    /// Everything as it was before, with programs that are not started yet.
    pub async fn world(&self, random: Random) -> World<'_> {
        let folder = self.folder.path();
        for name in ["data", "cancelled", "work"] {
            let _ = fs::remove_dir_all(folder.join(name));
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "log") {
                fs::remove_file(path).unwrap();
            }
        }
        for entry in fs::read_dir(folder.join("images")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            fs::copy(&path, folder.join("data").join(name)).unwrap();
        }
        let database = self.template.copy().await;
        let url = database.url();
        let options = PoolOptions {
            max_connections: database::LEAST_CONNECTIONS,
            ..PoolOptions::default()
        };
        let db = Database::connect(&url, &options).await.unwrap();
        World {
            prepared: self,
            random,
            programs: Programs::new(folder, &url),
            app: app(db, folder),
            database,
            trouble: None,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl World<'_> {
    /// Makes something happen to the jobs.
    pub async fn provoke(&mut self, trouble: Option<&'static Trouble>) {
        self.trouble = trouble;
        for script in trouble.map(Trouble::scripts).unwrap_or_default() {
            self.database.run(&[&script]).await;
        }
    }

    /// What belonged to a program that died is free: its leases are over, without anybody waiting for it.
    pub async fn let_time_pass(&self, program: Which) {
        let over = match program {
            Which::Api => {
                "UPDATE geocube.jobs SET action_lease_until = clock_timestamp() WHERE action_run_id IS NOT NULL;
                 UPDATE geocube.task_leases SET lease_until = clock_timestamp() WHERE status = 'RUNNING' AND owner = 'dead-letter';
                 UPDATE pgq_jobs SET locked_until = clock_timestamp() WHERE locked_until > clock_timestamp();"
            }
            Which::Consolidater => {
                "UPDATE geocube.task_leases SET lease_until = clock_timestamp()
                 WHERE status = 'RUNNING' AND lease_until > clock_timestamp();"
            }
        };
        let due = "UPDATE pgq_jobs SET run_after = clock_timestamp() WHERE run_after > clock_timestamp();
                   SELECT pg_notify('pgq_jobs', queue) FROM unnest(ARRAY['events', 'consolidations']) AS queues (queue);";
        self.database
            .run(&["SET search_path = public, geocube", over, due])
            .await;
    }

    /// Pixels of the visible datasets of a day, around all of its cells.
    pub async fn pixels(&self, day: usize) -> Vec<u8> {
        let datasets = self.visible().await;
        let record = self.prepared.records[day];
        let found = datasets.into_iter().find(|found| found.record.id == record);
        let Some(found) = found else {
            return Vec::new();
        };
        let side = 3 * i64::from(scene::SIDE);
        let target = imaging::Target {
            crs: imaging::Crs::parse("32631").unwrap(),
            transform: scene::transform(-64, -64),
            size: Size::try_new(side, side).unwrap(),
        };
        let merge = || {
            imaging::merge(
                &found.sources,
                &target,
                &DataMapping::identity(format()),
                Resampling::Near,
                &imaging::Limits::default(),
                &|| false,
            )
        };
        tokio::task::block_in_place(merge)
            .unwrap()
            .into_band_sequential()
    }

    /// Visible datasets, by record.
    pub async fn visible(&self) -> Vec<app::RecordDatasets> {
        let all = RecordSelection::Filters(RecordFilters::default());
        let instance = self.prepared.instance;
        self.app.list_datasets(instance, &all).await.unwrap()
    }
}

/// A queue that the reader does not need.
#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, queue: &str, _: Vec<Message>) -> messaging::Result<()> {
        panic!("a message for {queue}")
    }
}

fn app(database: Database, folder: &Path) -> App {
    let data = Uri::parse(folder.join("data").to_str().unwrap()).unwrap();
    let options = Options {
        limits: Limits::default(),
        paths: PathPolicy {
            allowed: vec![folder.to_owned()],
            managed: vec![data.clone()],
            ..PathPolicy::default()
        },
        workers: 1,
        ingestion_storage: Some(data),
        cancelled_jobs: None,
        events_queue: "events".to_owned(),
        orders_queue: "consolidations".to_owned(),
        tidy_min_age: Duration::ZERO,
    };
    let roots = AllowedRoots::Below(vec![folder.to_owned()]);
    let storage = Arc::new(LocalStorage::new(roots));
    App::new(
        database,
        storage,
        Arc::new(Nowhere),
        Engine::new(1, 1 << 28),
        options,
    )
}

/// Encoding of the images and of the consolidated files: nothing is lost.
fn format() -> DataFormat {
    DataFormat::try_new(DType::UInt16, 0.0, 1.0, 10_000.0).unwrap()
}

async fn variable_of(app: &App) -> InstanceId {
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
    let params = ConsolidationParams {
        format: format(),
        exponent: 1.0,
        resampling: Resampling::Near,
        compression: Compression::Lossless,
        storage_class: StorageClass::Standard,
        creation_params: BTreeMap::new(),
    };
    app.config_consolidation(variable, params).await.unwrap();
    instance.id
}

async fn create_layout(app: &App, name: &str, cell: u32, max_records: u32) {
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
        block_x_size: 16,
        block_y_size: 16,
        max_records,
        overviews_min_size: 16,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
    };
    app.create_layout(&layout).await.unwrap();
}

/// The image of a day.
pub fn scene_of(day: usize) -> Scene {
    match SHIFTS[day] {
        (0, 0) => Scene::new(day as u32),
        (east, south) => Scene::shifted(day as u32, east, south),
    }
}

/// A record of a day and its image, in a file that belongs to the service.
async fn index(
    app: &App,
    folder: &Path,
    instance_id: InstanceId,
    aoi: AoiId,
    day: usize,
) -> RecordId {
    let time = Instant::from_timestamp(1_577_836_800 + day as i64 * 86_400, 0).unwrap();
    let tags = Tags::try_new(BTreeMap::new()).unwrap();
    let record = NewRecord::try_new(format!("day-{day}"), time, tags, aoi).unwrap();
    let record_id = app.create_records(vec![record]).await.unwrap()[0];
    let file = folder.join("data").join(format!("day-{day}.tif"));
    scene_of(day).write(&file);
    let dataset = NewDataset {
        record_id,
        instance_id,
        subdir: String::new(),
        bands: Bands::first(1),
        mapping: DataMapping::identity(format()),
    };
    let container = NewContainer {
        uri: Uri::parse(file.to_str().unwrap()).unwrap(),
        managed: true,
        datasets: vec![dataset],
    };
    app.index(container).await.unwrap();
    record_id
}
