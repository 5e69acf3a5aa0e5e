//! The main job by the real programs on object stores: images on S3, consolidated files and cancel markers on Google
//! Cloud Storage, both played by the emulators that `scripts/test` starts.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use database::testing::TestDatabase;
use domain::DType;
use prost_types::Timestamp;
use rpc::pb::consolidate_request::RecordsLister;
use rpc::pb::consolidation_params::Compression;
use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::get_cube_response::Response;
use rpc::pb::{
    Aoi, CancelJobRequest, ConfigConsolidationRequest, ConsolidateRequest, ConsolidationParams,
    Container, Coord, CreateAoiRequest, CreateLayoutRequest, CreateRecordsRequest,
    CreateVariableRequest, DataFormat, Dataset, ExecutionLevel, FileFormat, GeoTransform,
    GetCubeRequest, GetJobRequest, GroupedRecordIds, GroupedRecordIdsList, IndexDatasetsRequest,
    InstantiateVariableRequest, Layout, LinearRing, NewRecord, Polygon, RecordIdList, Resampling,
    Size, Variable, get_cube_request,
};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::chaos::scene::{ORIGIN, SIDE, Scene, transform};
use crate::pubsub::{Process, free_port, server, wait_for};
use crate::system::programs_are_built;

const PATIENCE: Duration = Duration::from_mins(1);
const DAYS: u32 = 3;

/// Makes an order wait between two of its steps until there is a row in `public.go`.
const WAIT: &str = "CREATE TABLE public.go (at timestamptz);
    CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN
        FOR turn IN 1..3000 LOOP
            EXIT WHEN EXISTS (SELECT FROM public.go);
            PERFORM pg_sleep(0.02);
        END LOOP;
        RETURN NEW;
    END';
    CREATE TRIGGER wait BEFORE UPDATE ON geocube.task_leases FOR EACH ROW EXECUTE FUNCTION public.wait()";
const GO: &str = "INSERT INTO public.go VALUES (now())";
const RUNNING: &str = "SELECT task_id::text FROM geocube.task_leases WHERE status = 'RUNNING'";

/// An API server over a bucket on each store.
struct World {
    database: TestDatabase,
    folder: TempDir,
    bucket: String,
    http: reqwest::Client,
    /// `host:port` of the emulator of Google.
    google: String,
    /// URL of the emulator of Amazon.
    amazon: String,
    client: GeocubeClient<Channel>,
    instance: String,
    records: Vec<String>,
    _api: Process,
}

impl World {
    /// With images of some days on S3 that are indexed. `None`, said on standard error, when something is missing on this
    /// machine.
    async fn open() -> Option<Self> {
        let database = TestDatabase::create().await?;
        if !programs_are_built() {
            return None;
        }
        let address = |variable| std::env::var(variable).ok().filter(|text| !text.is_empty());
        let (Some(google), Some(amazon)) =
            (address("GEOCUBE_TEST_GCS"), address("GEOCUBE_TEST_S3"))
        else {
            eprintln!(
                "skipped: needs GEOCUBE_TEST_GCS and GEOCUBE_TEST_S3, as scripts/test sets them"
            );
            return None;
        };
        // the client asks for a provider even where it speaks in clear; another one in place is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let bucket = format!("geocube-{}", uuid::Uuid::new_v4().simple());
        let made = http
            .post(format!("http://{google}/storage/v1/b"))
            .json(&serde_json::json!({ "name": bucket }));
        made.send().await.unwrap().error_for_status().unwrap();
        let made = http.put(format!("{amazon}/{bucket}"));
        made.send().await.unwrap().error_for_status().unwrap();

        let folder = tempfile::tempdir().unwrap();
        let keys = "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n";
        std::fs::write(folder.path().join("keys"), keys).unwrap();
        let port = free_port();
        let mut api = program("geocube-apiserver", &database, &folder, &google, &amazon);
        api.args(["--port", &port.to_string(), "--ingestionStorage"])
            .arg(format!("gs://{bucket}/data"))
            .args(["--cancelledJobs", &format!("gs://{bucket}/cancelled")]);
        let api = Process::start(&mut api);
        let url = format!("http://127.0.0.1:{port}");
        wait_for(&url).await;
        let mut world = Self {
            database,
            folder,
            bucket,
            http,
            google,
            amazon,
            client: GeocubeClient::connect(url).await.unwrap(),
            instance: String::new(),
            records: Vec::new(),
            _api: api,
        };
        world.create_variable().await;
        world.create_records().await;
        for day in 0..DAYS {
            world.add_image(day).await;
        }
        Some(world)
    }

    async fn create_variable(&mut self) {
        let variable = Variable {
            name: "reflectance".to_owned(),
            dformat: Some(format()),
            bands: vec!["value".to_owned()],
            resampling_alg: Resampling::Near.into(),
            ..Variable::default()
        };
        let request = CreateVariableRequest {
            variable: Some(variable),
        };
        let created = self.client.create_variable(request).await.unwrap();
        let variable_id = created.into_inner().id;
        let request = InstantiateVariableRequest {
            variable_id: variable_id.clone(),
            instance_name: "original".to_owned(),
            instance_metadata: BTreeMap::new(),
        };
        let created = self.client.instantiate_variable(request).await.unwrap();
        self.instance = created.into_inner().instance.unwrap().id;
        let request = ConfigConsolidationRequest {
            variable_id,
            consolidation_params: Some(ConsolidationParams {
                dformat: Some(format()),
                exponent: 1.0,
                resampling_alg: Resampling::Near.into(),
                compression: Compression::Lossless.into(),
                ..ConsolidationParams::default()
            }),
        };
        self.client.config_consolidation(request).await.unwrap();
        let parameters = [
            ("grid", "regular".to_owned()),
            ("crs", "epsg:32631".to_owned()),
            ("cell_size", SIDE.to_string()),
            ("resolution", "10".to_owned()),
            ("ox", ORIGIN.0.to_string()),
            ("oy", ORIGIN.1.to_string()),
        ];
        let layout = Layout {
            name: "tiles".to_owned(),
            grid_parameters: parameters
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            block_x_size: 16,
            block_y_size: 16,
            max_records: 1000,
            overviews_min_size: 16,
            interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
            ..Layout::default()
        };
        let request = CreateLayoutRequest {
            layout: Some(layout),
        };
        self.client.create_layout(request).await.unwrap();
    }

    async fn create_records(&mut self) {
        let corners = [
            (2.9, 44.9),
            (3.1, 44.9),
            (3.1, 45.1),
            (2.9, 45.1),
            (2.9, 44.9),
        ];
        let points = corners.map(|(lon, lat)| Coord { lon, lat }).to_vec();
        let polygon = Polygon {
            linearrings: vec![LinearRing { points }],
        };
        let request = CreateAoiRequest {
            aoi: Some(Aoi {
                polygons: vec![polygon],
            }),
        };
        let created = self.client.create_aoi(request).await.unwrap();
        let aoi_id = created.into_inner().id;
        let record = |day: u32| NewRecord {
            name: format!("day-{day}"),
            time: Some(Timestamp {
                seconds: 1_577_836_800 + i64::from(day) * 86_400,
                nanos: 0,
            }),
            aoi_id: aoi_id.clone(),
            ..NewRecord::default()
        };
        let request = CreateRecordsRequest {
            records: (0..DAYS).map(record).collect(),
        };
        let created = self.client.create_records(request).await.unwrap();
        self.records = created.into_inner().ids;
    }

    /// Puts the image of a day on S3, and indexes it there.
    async fn add_image(&mut self, day: u32) {
        let (file, key) = (self.folder.path().join("image.tif"), image_key(day));
        Scene::new(day).write(&file);
        let (amazon, bucket) = (&self.amazon, &self.bucket);
        let put = self.http.put(format!("{amazon}/{bucket}/{key}"));
        // the test looks at it without a signature
        let put = put
            .header("x-amz-acl", "public-read")
            .body(std::fs::read(&file).unwrap());
        put.send().await.unwrap().error_for_status().unwrap();
        let dataset = Dataset {
            record_id: self.records[day as usize].clone(),
            instance_id: self.instance.clone(),
            bands: vec![1],
            dformat: Some(format()),
            real_min_value: 1.0,
            real_max_value: 10_000.0,
            exponent: 1.0,
            ..Dataset::default()
        };
        let request = IndexDatasetsRequest {
            container: Some(Container {
                uri: format!("s3://{bucket}/{key}"),
                managed: false,
                datasets: vec![dataset],
            }),
        };
        self.client.index_datasets(request).await.unwrap();
    }

    /// A worker that pulls orders.
    async fn worker(&self) -> Process {
        let (port, folder) = (free_port(), &self.folder);
        let (google, amazon) = (&self.google, &self.amazon);
        let mut worker = program(
            "geocube-consolidater",
            &self.database,
            folder,
            google,
            amazon,
        );
        worker
            .args(["--pull", "--pull-port", &port.to_string(), "--workdir"])
            .arg(folder.path().join("work"))
            .arg("--cancelledJobs")
            .arg(format!("gs://{}/cancelled", self.bucket));
        let worker = Process::start(&mut worker);
        wait_for(&format!("http://127.0.0.1:{port}/healthz")).await;
        worker
    }

    async fn consolidate(&mut self) -> String {
        let request = ConsolidateRequest {
            job_name: "job".to_owned(),
            instance_id: self.instance.clone(),
            layout_name: "tiles".to_owned(),
            execution_level: ExecutionLevel::ExecutionAsynchronous.into(),
            records_lister: Some(RecordsLister::Records(RecordIdList {
                ids: self.records.clone(),
            })),
            ..ConsolidateRequest::default()
        };
        let begun = self.client.consolidate(request).await.unwrap();
        begun.into_inner().job_id
    }

    /// Waits for a state of a job.
    async fn reaches(&mut self, id: &str, state: &str) {
        let begun = Instant::now();
        loop {
            let request = GetJobRequest {
                id: id.to_owned(),
                log_page: 0,
                log_limit: 1000,
            };
            let answer = self.client.get_job(request).await.unwrap();
            let job = answer.into_inner().job.unwrap();
            if job.state == state {
                return;
            }
            let is_over = ["DONE", "DONEBUTUNTIDY", "FAILED"].contains(&job.state.as_str());
            assert!(!is_over && begun.elapsed() < PATIENCE, "{job:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a worker has taken an order: until then a cancelled one needs no marker.
    async fn has_an_order_in_work(&self) {
        let begun = Instant::now();
        while self.database.texts(RUNNING).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "no order is taken");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until there are no objects on Google Cloud Storage below some folder.
    async fn is_emptied(&self, folder: &str) {
        let begun = Instant::now();
        while !self.objects(folder).await.is_empty() {
            assert!(
                begun.elapsed() < PATIENCE,
                "there is still something in {folder}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Pixels of each day, and the files that they come from.
    async fn cube(&mut self) -> (Vec<Vec<u16>>, Vec<String>) {
        let group = |id: &String| GroupedRecordIds {
            ids: vec![id.clone()],
        };
        let records = self.records.iter().map(group).collect();
        let [a, b, c, d, e, f] = transform(0, 0).0;
        let request = GetCubeRequest {
            records_lister: Some(get_cube_request::RecordsLister::GroupedRecords(
                GroupedRecordIdsList { records },
            )),
            instances_id: vec![self.instance.clone()],
            crs: "EPSG:32631".to_owned(),
            pix_to_crs: Some(GeoTransform { a, b, c, d, e, f }),
            size: Some(Size {
                width: SIDE.cast_signed(),
                height: SIDE.cast_signed(),
            }),
            compression_level: -3,
            format: FileFormat::Raw.into(),
            ..GetCubeRequest::default()
        };
        let answer = self.client.get_cube(request).await.unwrap();
        let (mut messages, mut images, mut files) = (answer.into_inner(), Vec::new(), Vec::new());
        while let Some(message) = messages.message().await.unwrap() {
            match message.response.unwrap() {
                Response::GlobalHeader(header) => assert_eq!(header.count, i64::from(DAYS)),
                Response::Header(header) => {
                    assert_eq!(header.error, "");
                    let sources = header.dataset_meta.unwrap().internals_meta;
                    files.extend(sources.into_iter().map(|source| source.container_uri));
                    images.push(header.data.to_vec());
                }
                Response::Chunk(chunk) => images.last_mut().unwrap().extend(chunk.data),
            }
        }
        let samples = |image: Vec<u8>| {
            let pairs = image.chunks_exact(2);
            pairs
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect()
        };
        (images.into_iter().map(samples).collect(), files)
    }

    /// Names of the objects on Google Cloud Storage below some folder.
    async fn objects(&self, folder: &str) -> Vec<String> {
        let (google, bucket) = (&self.google, &self.bucket);
        let list = self
            .http
            .get(format!("http://{google}/storage/v1/b/{bucket}/o"))
            .query(&[("prefix", folder)]);
        let answer = list.send().await.unwrap().error_for_status().unwrap();
        let listed: serde_json::Value = answer.json().await.unwrap();
        let items = listed["items"].as_array().cloned().unwrap_or_default();
        let name = |item: serde_json::Value| item["name"].as_str().unwrap().to_owned();
        items.into_iter().map(name).collect()
    }

    async fn object(&self, name: &str) -> Vec<u8> {
        let mut url = reqwest::Url::parse(&format!("http://{}", self.google)).unwrap();
        url.path_segments_mut()
            .unwrap()
            .extend(["storage", "v1", "b", &self.bucket, "o", name]);
        url.set_query(Some("alt=media"));
        let answer = self.http.get(url).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        answer.bytes().await.unwrap().to_vec()
    }

    /// Whether the image of a day is where it was put.
    async fn has_image(&self, day: u32) -> bool {
        let (amazon, bucket, key) = (&self.amazon, &self.bucket, image_key(day));
        let head = self.http.head(format!("{amazon}/{bucket}/{key}"));
        head.send().await.unwrap().status().is_success()
    }
}

/// A server with a database and both stores, to be given what is its own.
fn program(
    name: &str,
    database: &TestDatabase,
    folder: &TempDir,
    google: &str,
    amazon: &str,
) -> Command {
    let mut command = Command::new(server(name));
    command
        .env("STORAGE_EMULATOR_HOST", google)
        .args(["--host", "127.0.0.1", "--dbConnection", &database.url()])
        .args(["--eventsQueue", "events", "--consolidationsQueue", "orders"])
        .args(["--with-s3", "--aws-endpoint", amazon])
        .args(["--aws-region", "us-east-1", "--aws-shared-credentials-file"])
        .arg(folder.path().join("keys"));
    command
}

fn image_key(day: u32) -> String {
    format!("images/day-{day}.tif")
}

/// Of the images and of the consolidated files: nothing is lost.
fn format() -> DataFormat {
    DataFormat {
        dtype: DType::UInt16.number(),
        no_data: 0.0,
        min_value: 1.0,
        max_value: 10_000.0,
    }
}

fn scenes() -> Vec<Vec<u16>> {
    (0..DAYS).map(|day| Scene::new(day).pixels()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn images_on_s3_become_a_file_on_google_by_the_real_programs() {
    let Some(mut world) = World::open().await else {
        return;
    };
    let (before, files) = world.cube().await;
    assert_eq!(before, scenes());
    assert!(files.iter().all(|file| file.starts_with("s3://")));

    let _worker = world.worker().await;
    let job = world.consolidate().await;
    world.reaches(&job, "DONE").await;

    let (after, files) = world.cube().await;
    assert_eq!(after, before);
    let objects = world.objects("data/").await;
    let [object] = &objects[..] else {
        panic!("one file for all days: {objects:?}");
    };
    let uri = format!("gs://{}/{object}", world.bucket);
    assert_eq!(files, vec![uri; DAYS as usize]);
    let header = cog::File::read(&world.object(object).await).unwrap();
    assert_eq!(header.records.len(), DAYS as usize);
    assert!(world.objects("cancelled/").await.is_empty());
    // what is not managed is never deleted
    for day in 0..DAYS {
        assert!(world.has_image(day).await, "day {day}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_on_google_cancels_an_order_of_the_real_programs() {
    let Some(mut world) = World::open().await else {
        return;
    };
    world.database.run(&[WAIT]).await;
    let _worker = world.worker().await;
    let job = world.consolidate().await;
    world.has_an_order_in_work().await;
    let request = CancelJobRequest {
        id: job.clone(),
        force_any_state: false,
    };
    world.client.cancel_job(request).await.unwrap();
    world.reaches(&job, "CONSOLIDATIONCANCELLING").await;
    let begun = Instant::now();
    let markers = loop {
        let markers = world.objects("cancelled/").await;
        if !markers.is_empty() {
            break markers;
        }
        assert!(begun.elapsed() < PATIENCE, "no marker");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(markers[0].contains(&job), "{markers:?}");

    world.database.run(&[GO]).await;
    world.reaches(&job, "FAILED").await;
    world.is_emptied("data/").await;
    world.is_emptied("cancelled/").await;
    let (pixels, files) = world.cube().await;
    assert_eq!(pixels, scenes());
    assert!(files.iter().all(|file| file.starts_with("s3://")));
}
