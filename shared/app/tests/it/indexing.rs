//! Objects of stores that are made known.

use crate::world::{Faulty, World};
use app::{Error, NewContainer};
use domain::{StorageClass, Uri};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use storage::{Storage, UploadOptions};

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

async fn index(world: &World, uri: &Uri) -> app::Result<()> {
    let container = NewContainer {
        uri: uri.clone(),
        managed: false,
        datasets: Vec::new(),
    };
    world.app.index(container).await
}

async fn class(world: &World, uri: &Uri) -> StorageClass {
    let mut conn = world.database.db.read().await.unwrap();
    let uris = std::slice::from_ref(uri);
    let found = database::container::get(&mut conn, uris, 1).await.unwrap();
    found[0].storage_class
}

#[tokio::test(flavor = "multi_thread")]
async fn new_objects_of_google_must_be_there_and_keep_their_class() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let store = Arc::new(Faulty::new(1));
    let place = uri("gs://bucket/data");
    world.moved(store.clone(), &place, &place);
    let cold = uri("gs://bucket/cold.tif");
    let upload = async |class| {
        let options = UploadOptions {
            storage_class: Some(class),
            ..UploadOptions::default()
        };
        let uploaded = store.upload(&cold, bytes::Bytes::from_static(b"x"), &options);
        uploaded.await.unwrap();
    };
    upload(StorageClass::Archive).await;
    index(&world, &cold).await.unwrap();
    assert_eq!(class(&world, &cold).await, StorageClass::Archive);
    upload(StorageClass::Infrequent).await;
    index(&world, &cold).await.unwrap();
    assert_eq!(class(&world, &cold).await, StorageClass::Archive);

    let absent = index(&world, &uri("gs://bucket/absent.tif")).await;
    let text = absent.unwrap_err().to_string();
    let expected = "gs://bucket/absent.tif is not reachable: gs://bucket/absent.tif does not exist";
    assert_eq!(text, expected);
    // of other stores nothing is asked
    let elsewhere = uri("s3://bucket/absent.tif");
    index(&world, &elsewhere).await.unwrap();
    assert_eq!(class(&world, &elsewhere).await, StorageClass::Standard);

    store.percent.store(100, Ordering::SeqCst);
    index(&world, &cold).await.unwrap();
    let error = index(&world, &uri("gs://bucket/other.tif")).await;
    assert!(matches!(error, Err(Error::Unavailable { .. })), "{error:?}");
}
