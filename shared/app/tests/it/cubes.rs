//! Cubes of files whose stores fail.

use crate::proxy::{Fault, Proxy};
use crate::world::{Mood, Moody, SIDE, Scene, World, transform};
use app::{CubeRequest, CubeSelection, Engine, ImageFormat, PayloadCompression};
use domain::{Bands, RecordId, Scheme, Uri};
use futures::StreamExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{
    CacheOptions, Cached, RetryBudget, Retrying, Router, S3Options, S3Storage, Storage,
    UploadOptions,
};

const BUDGET: RetryBudget = RetryBudget {
    tries: 4,
    first_pause: Duration::from_millis(2),
    longest_pause: Duration::from_millis(4),
    total: Duration::from_millis(600),
    answer: Duration::from_millis(200),
    bytes_per_second: 1 << 30,
};

/// A catalogue of images in a bucket, one a day.
struct Bucket {
    world: World,
    store: Arc<Moody>,
    records: Vec<RecordId>,
    files: Vec<Uri>,
}

impl Bucket {
    /// `None`, said on standard error, where there is no database server.
    async fn of(days: u32) -> Option<Self> {
        Self::of_several(&[("gs://bucket/inputs", days)]).await
    }

    /// So many images in each of some buckets.
    async fn of_several(buckets: &[(&str, u32)]) -> Option<Self> {
        let mut world = World::new().await?;
        let store = Arc::new(Moody::default());
        let uri = |text| Uri::parse(text).unwrap();
        let outputs = uri("gs://bucket/outputs");
        let (mut records, mut files) = (Vec::new(), Vec::new());
        open(store.clone());
        let places = buckets
            .iter()
            .flat_map(|(inputs, days)| std::iter::repeat_n(uri(*inputs), *days as usize));
        for (day, inputs) in (1..).zip(places) {
            world.moved(store.clone(), &outputs, &inputs);
            let file = world.folder.path().join("image.tif");
            Scene::new(day).write(&file);
            let uri = inputs.join([format!("{day}.tif")]).unwrap();
            let options = UploadOptions::default();
            store.upload_file(&uri, &file, &options).await.unwrap();
            let record = world.record(day).await;
            world.index_again(record, uri.as_str()).await;
            records.push(record);
            files.push(uri);
        }
        // nothing is known of them any more
        open(store.clone());
        Some(Self {
            world,
            store,
            records,
            files,
        })
    }

    fn spoil(&self, file: usize, mood: Mood) {
        self.store.set(&self.files[file], mood);
    }

    /// Pixels of each image, or the text of its failure.
    async fn cube(&self) -> Vec<Result<Vec<u16>, String>> {
        let groups = self.records.iter().map(|record| vec![*record]).collect();
        let request = CubeRequest {
            selection: CubeSelection::Groups(groups),
            instances: vec![self.world.instance],
            crs: "EPSG:32631".to_owned(),
            transform: transform(0, 0),
            size: (SIDE.into(), SIDE.into()),
            compression: PayloadCompression::None,
            headers_only: false,
            format: ImageFormat::Raw,
            resampling: None,
        };
        let cube = self.world.app.cube(request).await.unwrap();
        let image = |image: app::Result<app::BuiltImage>| {
            let payload = image.unwrap().payload?.unwrap();
            let bytes = payload.parts.concat();
            let pairs = bytes.chunks_exact(2);
            Ok(pairs
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect())
        };
        cube.images.map(image).collect().await
    }
}

/// The raster library reads from it, through a memory without anything in it.
fn open(store: Arc<dyn Storage>) {
    let options = CacheOptions {
        block: 1 << 16,
        capacity: 16 << 20,
        fresh: Duration::from_mins(1),
    };
    let patient = Retrying::new(store, BUDGET);
    let cached = Cached::new(Arc::new(patient), options);
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_image_of_a_cube_fails_for_itself() {
    let Some(bucket) = Bucket::of(5).await else {
        return;
    };
    bucket.spoil(0, Mood::Denied);
    bucket.spoil(1, Mood::Missing);
    bucket.spoil(2, Mood::Busy(u32::MAX));
    bucket.spoil(3, Mood::Busy(1));
    let [denied, missing, busy] = [0, 1, 2].map(|file| bucket.files[file].to_string());
    let began = Instant::now();
    let images = bucket.cube().await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let expected = [
        Err(format!(
            "rpc error: code = InvalidArgument desc = {denied} cannot be opened: access to {denied} is denied: the test"
        )),
        Err(format!(
            "rpc error: code = InvalidArgument desc = {missing} cannot be opened: {missing} does not exist"
        )),
        Err(format!(
            "rpc error: code = Unavailable desc = {busy} is not available for now: the store cannot be reached"
        )),
        Ok(Scene::new(4).pixels()),
        Ok(Scene::new(5).pixels()),
    ];
    assert_eq!(images, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_bucket_costs_a_cube_about_one_budget() {
    let Some(bucket) = Bucket::of(15).await else {
        return;
    };
    for file in 0..15 {
        bucket.spoil(file, Mood::Stalled);
    }
    let began = Instant::now();
    let images = bucket.cube().await;
    // each image alone would take as long as a budget lasts, several times
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(images.len(), 15);
    for image in images {
        let text = image.unwrap_err();
        assert!(text.contains("the store gives no answer within"), "{text}");
    }
    for file in 0..15 {
        bucket.spoil(file, Mood::Good);
    }
    let again = bucket.cube().await;
    assert_eq!(again[14], Ok(Scene::new(15).pixels()));
    assert!(again.iter().all(Result::is_ok), "the bucket is back");
}

/// S3 on a network in which no request is ever answered.
async fn dead_store(folder: &Path) -> (Proxy, S3Storage) {
    let proxy = Proxy::start("127.0.0.1:9").await;
    let keys = folder.join("keys");
    let text = "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n";
    std::fs::write(&keys, text).unwrap();
    let options = S3Options {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(format!("http://{}", proxy.address)),
        credentials_file: Some(keys),
    };
    let store = S3Storage::connect(&options).unwrap();
    proxy.spoil(vec![Fault::Slow(Duration::from_hours(1)); 10_000]);
    (proxy, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_bucket_fails_a_cube_after_one_budget_and_a_live_one_goes_on() {
    const ALIVE: u32 = 3;
    const DEAD: u32 = 60;
    let buckets = [("gs://alive/inputs", ALIVE), ("s3://dead/inputs", DEAD)];
    let Some(bucket) = Bucket::of_several(&buckets).await else {
        return;
    };
    let (proxy, dead) = dead_store(bucket.world.folder.path()).await;
    let dead = Retrying::new(Arc::new(dead), BUDGET);
    let router = Router::new()
        .with(Scheme::Gs, bucket.store.clone())
        .with(Scheme::S3, Arc::new(dead));
    let options = CacheOptions {
        block: 1 << 16,
        capacity: 64 << 20,
        fresh: Duration::from_mins(1),
    };
    let cached = Cached::new(Arc::new(router), options);
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());

    let began = Instant::now();
    let images = bucket.cube().await;
    let took = began.elapsed();
    // the tries of those that are asked for together, each of which waits for its answer
    let budget = BUDGET.total + BUDGET.answer;
    assert!(took >= BUDGET.answer && took < 8 * budget, "{took:?}");
    let requests = proxy.requests().len();
    assert!(requests <= 32 * BUDGET.tries as usize, "{requests}");
    for (day, image) in (1..).zip(images) {
        if day <= ALIVE {
            assert_eq!(image, Ok(Scene::new(day).pixels()));
            continue;
        }
        let file = &bucket.files[day as usize - 1];
        let text = image.unwrap_err();
        assert!(
            text.contains(&format!(
                "{file} is not available for now: the store gives no answer within"
            )),
            "{text}"
        );
    }
    // the next cube asks again
    assert!(bucket.cube().await.iter().skip(3).all(Result::is_err));
    assert!(proxy.requests().len() > requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_leaves_no_thread_behind_that_waits_for_a_store() {
    let store = Arc::new(Moody::default());
    let file = Uri::parse("gs://bucket/stalled.tif").unwrap();
    store.set(&file, Mood::Stalled);
    let options = CacheOptions {
        block: 512,
        capacity: 1 << 20,
        fresh: Duration::from_mins(1),
    };
    imaging::set_remote_store(
        Cached::new(store, options),
        tokio::runtime::Handle::current(),
    );
    let engine = Engine::new(1, 1 << 20);
    let reading = engine.run(move |_| Ok(imaging::inspect(&file, "", &Bands::first(1)).is_ok()));
    let left = tokio::time::timeout(Duration::from_millis(50), reading).await;
    assert!(left.is_err(), "the store never answers");
    // it has one thread
    let next = tokio::time::timeout(Duration::from_secs(5), engine.run(|_| Ok(1))).await;
    assert_eq!(next.unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_while_a_cube_is_built_is_opened_once_more() {
    let Some(bucket) = Bucket::of(1).await else {
        return;
    };
    assert_eq!(bucket.cube().await, [Ok(Scene::new(1).pixels())]);
    // its beginning is that of before, all else is gone
    let file = bucket.world.folder.path().join("image.tif");
    Scene::new(7).write(&file);
    bucket.spoil(
        0,
        Mood::ReplacedAfterStart(std::fs::read(&file).unwrap().into()),
    );
    let small = CacheOptions {
        block: 512,
        capacity: 1 << 20,
        fresh: Duration::from_mins(1),
    };
    let cached = Cached::new(bucket.store.clone(), small);
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());
    assert_eq!(bucket.cube().await, [Ok(Scene::new(7).pixels())]);
}
