//! Inputs on one object store, consolidated files on another one, by the emulators that `scripts/test` starts.

use crate::world::{ORDERS, Scene, World};
use app::job::PushAnswer;
use domain::job::{JobState, Message, cancel_marker_name, parse_message};
use domain::{RecordId, Scheme, StorageClass, Uri};
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

/// `None`, said on standard error, where there is no database server or no emulator.
async fn world() -> Option<(World, Stores)> {
    let world = World::new().await?;
    let stores = stores(&world).await?;
    Some((world, stores))
}

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
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());
    let uri = |scheme| Uri::parse(format!("{scheme}://{bucket}/data")).unwrap();
    Some(Stores {
        storage,
        google: uri("gs"),
        amazon: uri("s3"),
    })
}

impl Stores {
    /// Images of two days, uploaded and indexed.
    async fn add_images(&self, world: &World, inputs: &Uri) -> (Vec<RecordId>, Vec<Uri>) {
        let (mut records, mut files) = (Vec::new(), Vec::new());
        for day in [1, 2] {
            let file = world.folder.path().join(format!("image-{day}.tif"));
            Scene::new(day).write(&file);
            let uri = inputs.join([format!("image-{day}.tif")]).unwrap();
            let options = UploadOptions::default();
            let upload = self.storage.upload_file(&uri, &file, &options);
            upload.await.unwrap();
            let record = world.record(day).await;
            world.index_again(record, uri.as_str()).await;
            assert_eq!(world.pixels(record).await, Scene::new(day).pixels());
            records.push(record);
            files.push(uri);
        }
        (records, files)
    }

    /// From the store of the inputs to that of the outputs, and the inputs are deleted.
    async fn consolidate(
        &self,
        mut world: World,
        inputs: &Uri,
        outputs: &Uri,
        class: StorageClass,
    ) {
        world.moved(self.storage.clone(), outputs, inputs);
        world.archive(class).await;
        let (records, files) = self.add_images(&world, inputs).await;
        let job = world.consolidation("job", &records);
        let id = world.app.consolidate(job).await.unwrap();
        world.deliver_all().await;

        let job = world.job(id).await;
        assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
        for found in world.visible().await {
            let file = &found.sources[0].uri;
            assert!(file.is_below(outputs), "{file}");
            let found = self.storage.head(file).await.unwrap();
            // the emulator of Google overlooks the class of a copy
            if outputs.scheme() == Scheme::S3 {
                assert_eq!(found.storage_class, Some(class));
                assert_eq!(found.content_type.as_deref(), Some("image/tiff"));
            }
        }
        // what is deep in the archive can be written, not read
        let readable = records
            .iter()
            .filter(|_| class != StorageClass::DeepArchive);
        for (day, record) in (1..).zip(readable) {
            assert_eq!(world.pixels(*record).await, Scene::new(day).pixels());
        }
        for file in files {
            assert!(!self.storage.exists(&file).await.unwrap(), "{file}");
        }
    }

    /// The marker that cancels an order lies on a store as everything else does.
    async fn cancel(&self, mut world: World, inputs: &Uri, outputs: &Uri) {
        world.moved(self.storage.clone(), outputs, inputs);
        let (records, _) = self.add_images(&world, inputs).await;
        let job = world.consolidation("job", &records);
        let id = world.app.consolidate(job).await.unwrap();
        while world.mailbox.waiting(ORDERS).is_empty() {
            let (queue, data) = world.mailbox.take().unwrap();
            world.deliver(&queue, &data).await;
        }
        let (queue, message) = world.mailbox.take().unwrap();
        assert_eq!(queue, ORDERS);
        let Message::Order(order) = parse_message(&message).unwrap() else {
            panic!("no order")
        };
        world.app.cancel_job(id, false).await.unwrap();
        // the cancellation itself, not yet what follows
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
        assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
        let name = cancel_marker_name(id, order.task_id);
        let marker = outputs.join(["cancelled", &name]).unwrap();
        assert!(self.storage.exists(&marker).await.unwrap(), "{marker}");

        assert_eq!(world.deliver(ORDERS, &message).await, PushAnswer::Done);
        let target = &order.container.uri;
        assert!(!self.storage.exists(target).await.unwrap(), "{target}");
        world.deliver_all().await;
        assert_eq!(world.state(id).await, JobState::Failed);
        assert!(!self.storage.exists(&marker).await.unwrap(), "{marker}");
        for (day, record) in (1..).zip(&records) {
            assert_eq!(world.pixels(*record).await, Scene::new(day).pixels());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_on_s3_become_a_file_on_google_and_are_deleted() {
    if let Some((world, stores)) = world().await {
        let (google, amazon) = (stores.google.clone(), stores.amazon.clone());
        let class = StorageClass::Standard;
        stores.consolidate(world, &amazon, &google, class).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_on_google_become_archived_files_on_s3_and_are_deleted() {
    for class in [StorageClass::Archive, StorageClass::DeepArchive] {
        if let Some((world, stores)) = world().await {
            let (google, amazon) = (stores.google.clone(), stores.amazon.clone());
            stores.consolidate(world, &google, &amazon, class).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_on_google_cancels_an_order() {
    if let Some((world, stores)) = world().await {
        let (google, amazon) = (stores.google.clone(), stores.amazon.clone());
        stores.cancel(world, &amazon, &google).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_on_s3_cancels_an_order() {
    if let Some((world, stores)) = world().await {
        let (google, amazon) = (stores.google.clone(), stores.amazon.clone());
        stores.cancel(world, &google, &amazon).await;
    }
}
