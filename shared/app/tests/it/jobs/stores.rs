//! Inputs on S3, consolidated files on Google Cloud Storage, by the emulators that `scripts/test` starts.

use crate::world::{Scene, World};
use domain::job::JobState;
use domain::{RecordId, Scheme, Uri};
use std::sync::Arc;
use std::time::Duration;
use storage::{
    AllowedRoots, CacheOptions, Cached, GcsConnection, GcsStorage, LocalStorage, RetryBudget,
    Retrying, Router, S3Options, S3Storage, Storage, StorageExt, UploadOptions,
};

/// A new bucket on each store.
struct Stores {
    storage: Arc<dyn Storage>,
    google: Uri,
    amazon: Uri,
}

/// `None`, said on standard error, where there is no emulator.
async fn stores(world: &World) -> Option<Stores> {
    let address = |variable| std::env::var(variable).ok().filter(|text| !text.is_empty());
    let (Some(google), Some(amazon)) = (address("GEOCUBE_TEST_GCS"), address("GEOCUBE_TEST_S3"))
    else {
        eprintln!("skipped: needs GEOCUBE_TEST_GCS and GEOCUBE_TEST_S3, as scripts/test sets them");
        return None;
    };
    let connection = GcsConnection::Emulator(google.clone());
    let gcs = GcsStorage::connect(&connection).await.unwrap();
    let keys = world.folder.path().join("keys");
    std::fs::write(
        &keys,
        "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n",
    )
    .unwrap();
    let s3 = S3Storage::connect(&S3Options {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(amazon.clone()),
        credentials_file: Some(keys),
    })
    .unwrap();

    let bucket = format!("geocube-{}", RecordId::new());
    let client = reqwest::Client::new();
    let made = client
        .post(format!("http://{google}/storage/v1/b"))
        .header("content-type", "application/json")
        .body(format!("{{\"name\": \"{bucket}\"}}"));
    made.send().await.unwrap().error_for_status().unwrap();
    let made = client.put(format!("{amazon}/{bucket}"));
    made.send().await.unwrap().error_for_status().unwrap();

    let roots = AllowedRoots::Below(vec![world.folder.path().to_owned()]);
    let retrying = |store: Arc<dyn Storage>| Retrying::new(store, RetryBudget::default());
    let router = Router::new()
        .with(Scheme::File, Arc::new(LocalStorage::new(roots)))
        .with(Scheme::Gs, Arc::new(retrying(Arc::new(gcs))))
        .with(Scheme::S3, Arc::new(retrying(Arc::new(s3))));
    let storage: Arc<dyn Storage> = Arc::new(router);
    let options = CacheOptions {
        block: 1 << 20,
        capacity: 64 << 20,
        fresh: Duration::from_mins(1),
    };
    let cached = Cached::new(storage.clone(), options);
    imaging::read_remote_files(cached, tokio::runtime::Handle::current());
    let uri = |scheme| Uri::parse(format!("{scheme}://{bucket}/data")).unwrap();
    Some(Stores {
        storage,
        google: uri("gs"),
        amazon: uri("s3"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn images_on_s3_become_a_file_on_google_and_are_deleted() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let Some(stores) = stores(&world).await else {
        return;
    };
    world.moved(stores.storage.clone(), &stores.google, &stores.amazon);
    let mut records = Vec::new();
    let mut inputs = Vec::new();
    for day in [1, 2] {
        let file = world.folder.path().join(format!("image-{day}.tif"));
        Scene::new(day).write(&file);
        let uri = stores.amazon.join([format!("image-{day}.tif")]).unwrap();
        let options = UploadOptions::default();
        let upload = stores.storage.upload_file(&uri, &file, &options);
        upload.await.unwrap();
        let record = world.record(day).await;
        world.index_again(record, uri.as_str()).await;
        assert_eq!(world.pixels(record).await, Scene::new(day).pixels());
        records.push(record);
        inputs.push(uri);
    }

    let job = world.consolidation("job", &records);
    let id = world.app.consolidate(job).await.unwrap();
    world.deliver_all().await;

    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    for found in world.visible().await {
        let file = &found.sources[0].uri;
        assert!(file.is_below(&stores.google), "{file}");
        assert!(stores.storage.exists(file).await.unwrap());
    }
    for (day, record) in (1..).zip(&records) {
        assert_eq!(world.pixels(*record).await, Scene::new(day).pixels());
    }
    for input in inputs {
        assert!(!stores.storage.exists(&input).await.unwrap(), "{input}");
    }
}
