//! Large uploads behind a bad network, and large copies.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{StorageClass, Uri};
use storage::{Error, RenameOptions, Retrying, Storage, StorageExt, UploadOptions};

use crate::{
    emulators,
    faults::BUDGET,
    proxy::{Fault, Proxy},
    uri,
};

/// Bytes of a large file, which are five parts for S3.
const SIZE: usize = 40_000_000;

const FAULTS: [Fault; 4] = [
    Fault::Status(503),
    Fault::Reset,
    Fault::Truncated,
    Fault::Stalled,
];

pub(crate) fn content(size: usize) -> Bytes {
    let word = |at: usize| {
        (at as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .to_le_bytes()
    };
    (0..size.div_ceil(8))
        .flat_map(word)
        .take(size)
        .collect::<Vec<u8>>()
        .into()
}

/// Uploads a file, once undisturbed and once for each fault at some request, and counts the requests.
async fn check(proxy: &Proxy, store: &dyn Storage, file: &Uri, fault_at: usize, requests: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let content = content(SIZE);
    std::fs::write(&path, &content).unwrap();
    proxy.spoil([]);
    upload(store, file, &path).await;
    assert_eq!(proxy.requests().len(), requests, "{file}");
    for fault in FAULTS {
        store.delete_if_exists(file).await.unwrap();
        let before = vec![Fault::Pass; fault_at];
        proxy.spoil(before.into_iter().chain([fault]));
        upload(store, file, &path).await;
        let made = proxy.requests();
        assert_eq!(made.len(), requests + 1, "{file} {fault:?}: {made:?}");
        let stored = store.download(file, u64::MAX).await.unwrap();
        assert!(stored == content, "{file} {fault:?}");
    }
}

async fn upload(store: &dyn Storage, file: &Uri, path: &Path) {
    let options = UploadOptions::default();
    store.upload_file(file, path, &options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_costs_a_large_upload_to_amazon_one_part() {
    let Some((endpoint, bucket)) = emulators::s3_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&endpoint).await;
    let store = emulators::s3(&format!("http://{}", proxy.address)).with_budget(BUDGET);
    let store = Retrying::new(Arc::new(store), BUDGET);
    let file = uri(&format!("s3://{bucket}/large.bin"));
    // begun, in five parts, put together
    check(&proxy, &store, &file, 3, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_costs_an_upload_to_the_emulator_of_google_one_request() {
    let Some((host, bucket)) = emulators::gcs_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&host).await;
    let store = emulators::gcs(&proxy.address.to_string()).await;
    let store = store.with_patience(Duration::from_secs(3));
    let store = Retrying::new(Arc::new(store), BUDGET);
    let file = uri(&format!("gs://{bucket}/large.bin"));
    check(&proxy, &store, &file, 0, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stays_away_ends_an_upload_after_one_budget() {
    let Some((endpoint, bucket)) = emulators::s3_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&endpoint).await;
    let store = emulators::s3(&format!("http://{}", proxy.address)).with_budget(BUDGET);
    let store = Retrying::new(Arc::new(store), BUDGET);
    let file = uri(&format!("s3://{bucket}/large.bin"));
    proxy.spoil([Fault::Status(503); 100]);
    let data = content(9 << 20);
    let failed = store.upload(&file, data, &UploadOptions::default()).await;
    let error = failed.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.outline().unwrap(), "the store answers 503");
    assert_eq!(proxy.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_in_memory_goes_to_amazon_by_parts_too() {
    let Some((endpoint, bucket)) = emulators::s3_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&endpoint).await;
    let store = emulators::s3(&format!("http://{}", proxy.address));
    let file = uri(&format!("s3://{bucket}/large.bin"));
    let data = content(20_000_000);
    let options = UploadOptions::default();
    store.upload(&file, data.clone(), &options).await.unwrap();
    assert_eq!(proxy.requests().len(), 5);
    assert!(store.download(&file, u64::MAX).await.unwrap() == data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_not_created_where_another_one_came_meanwhile() {
    let Some((endpoint, bucket)) = emulators::s3_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&endpoint).await;
    let slow = emulators::s3(&format!("http://{}", proxy.address));
    let fast = emulators::s3(&endpoint);
    let file = uri(&format!("s3://{bucket}/created.bin"));
    let options = UploadOptions {
        if_absent: true,
        ..UploadOptions::default()
    };
    // looked for, begun, and a part on its way
    let late = Fault::Slow(Duration::from_secs(2));
    proxy.spoil([Fault::Pass, Fault::Pass, late]);
    let creating = slow.upload(&file, content(10 << 20), &options);
    let meanwhile = async {
        while proxy.requests().len() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fast.upload(&file, "first".into(), &options).await
    };
    let (created, first) = tokio::join!(creating, meanwhile);
    first.unwrap();
    let error = created.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(fast.download(&file, 100).await.unwrap(), "first");

    fast.delete_if_exists(&file).await.unwrap();
    let data = content(10 << 20);
    slow.upload(&file, data.clone(), &options).await.unwrap();
    assert!(fast.download(&file, u64::MAX).await.unwrap() == data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_moved_in_parts_within_the_store() {
    let Some((endpoint, bucket)) = emulators::s3_bucket().await else {
        return;
    };
    let Some((_, other)) = emulators::s3_bucket().await else {
        return;
    };
    let proxy = Proxy::start(&endpoint).await;
    let store = emulators::s3(&format!("http://{}", proxy.address)).with_budget(BUDGET);
    let store = store.with_copy_limit(6 << 20);
    let [from, to] = ["s3://{}/part é.bin", "s3://{}/whole.bin"];
    let (from, to) = (
        uri(&from.replace("{}", &bucket)),
        uri(&to.replace("{}", &other)),
    );
    let data = content(20_000_000);
    let options = UploadOptions {
        content_type: Some("image/tiff".to_owned()),
        ..UploadOptions::default()
    };
    store.upload(&from, data.clone(), &options).await.unwrap();
    // looked at, begun, and a part that fails once
    proxy.spoil([Fault::Pass, Fault::Pass, Fault::Status(503)]);
    let options = RenameOptions {
        storage_class: Some(StorageClass::DeepArchive),
    };
    store.rename_with(&from, &to, &options).await.unwrap();
    // four parts, put together, the old one deleted
    assert_eq!(proxy.requests().len(), 2 + 1 + 4 + 2);
    assert!(!store.exists(&from).await.unwrap());
    let found = store.head(&to).await.unwrap();
    assert_eq!(found.size, 20_000_000);
    assert_eq!(found.content_type.as_deref(), Some("image/tiff"));
    assert_eq!(found.storage_class, Some(StorageClass::DeepArchive));

    // one that is archived cannot be copied, and says so
    let whole = emulators::s3(&endpoint);
    let archived = whole.rename(&to, &from).await.unwrap_err();
    assert!(
        matches!(archived, Error::PermissionDenied { .. }),
        "{archived}"
    );

    store
        .upload(&from, data.clone(), &UploadOptions::default())
        .await
        .unwrap();
    store.rename(&from, &to).await.unwrap();
    assert!(store.download(&to, u64::MAX).await.unwrap() == data);
}
