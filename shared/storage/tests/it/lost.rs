//! Changes that the store makes without being able to tell.

use std::{
    io,
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use storage::{
    Attributes, ByteStream, DeleteOptions, Error, MemoryStorage, ReadOptions, RenameOptions,
    Result, Retrying, Storage, StorageExt, UploadOptions,
};

use crate::{
    faults::{BUDGET, stores},
    proxy::{Fault, Proxy},
    uri,
};

/// Loses the answers to the next changes.
#[derive(Debug, Default)]
struct Mute {
    inner: MemoryStorage,
    lost: AtomicU32,
}

impl Mute {
    fn answer(&self, uri: &Uri, done: Result<()>) -> Result<()> {
        let lost = self
            .lost
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        match lost {
            Ok(_) => Err(Error::Unavailable {
                uri: uri.clone(),
                source: io::Error::from(io::ErrorKind::ConnectionReset).into(),
            }),
            Err(_) => done,
        }
    }
}

#[async_trait]
impl Storage for Mute {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.inner.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.inner.read_with(uri, options).await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.inner.read_ranges(uri, ranges, version).await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.inner.read_stream(uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        let done = self.inner.upload(uri, data, options).await;
        self.answer(uri, done)
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let done = self.inner.upload_file(uri, path, options).await;
        self.answer(uri, done)
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        let done = self.inner.delete(uri, options).await;
        self.answer(uri, done)
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let done = self.inner.rename_with(from, to, options).await;
        self.answer(from, done)
    }
}

const CREATE: UploadOptions = UploadOptions {
    content_type: None,
    storage_class: None,
    if_absent: true,
};

fn muted() -> (Arc<Mute>, Retrying) {
    let mute = Arc::new(Mute::default());
    (Arc::clone(&mute), Retrying::new(mute, BUDGET))
}

async fn text(store: &dyn Storage, uri: &Uri) -> Bytes {
    store.download(uri, 1 << 20).await.unwrap()
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_a_success() {
    let (mute, store) = muted();
    let [a, b] = ["gs://b/a", "gs://b/b"].map(uri);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "one").unwrap();
    for lost in 1..=3 {
        let lose = || mute.lost.store(lost, Ordering::Relaxed);
        lose();
        store.upload(&a, "one".into(), &CREATE).await.unwrap();
        lose();
        store.rename(&a, &b).await.unwrap();
        assert_eq!(text(&store, &b).await, "one");
        assert!(!store.exists(&a).await.unwrap());
        lose();
        store.delete(&b, &DeleteOptions::default()).await.unwrap();
        assert!(!store.exists(&b).await.unwrap());
        lose();
        store.upload_file(&a, &file, &CREATE).await.unwrap();
        store.delete_if_exists(&a).await.unwrap();
    }
}

#[tokio::test]
async fn what_another_one_did_is_no_success() {
    let (mute, store) = muted();
    let [a, b] = ["gs://b/a", "gs://b/b"].map(uri);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "two").unwrap();
    // of the same length
    mute.inner
        .upload(&a, "one".into(), &UploadOptions::default())
        .await
        .unwrap();
    mute.lost.store(1, Ordering::Relaxed);
    let created = store.upload(&a, "two".into(), &CREATE).await;
    assert!(matches!(created, Err(Error::AlreadyExists { .. })));
    mute.lost.store(1, Ordering::Relaxed);
    let created = store.upload_file(&a, &file, &CREATE).await;
    assert!(matches!(created, Err(Error::AlreadyExists { .. })));
    // without a lost answer nothing is doubted
    assert!(store.upload(&a, "one".into(), &CREATE).await.is_err());
    let missing = store.rename(&b, &a).await.unwrap_err();
    assert!(missing.is_not_found());
    let missing = store.delete(&b, &DeleteOptions::default()).await;
    assert!(missing.unwrap_err().is_not_found());
    assert_eq!(text(&store, &a).await, "one");
}

/// Spoils the request of this number, from 1.
fn lose(proxy: &Proxy, number: usize) {
    let before = vec![Fault::Pass; number - 1];
    proxy.spoil(before.into_iter().chain([Fault::Lost]));
}

/// Requests that pass through the proxy.
async fn counted(proxy: &Proxy, change: impl Future<Output = Result<()>>) -> usize {
    proxy.spoil([]);
    change.await.unwrap();
    proxy.requests().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lost_answer_of_a_store_fails_a_change() {
    for (proxy, store, a) in stores().await {
        let b = uri(&format!("{a}.moved"));
        let requests = counted(&proxy, store.rename(&a, &b)).await;
        store.rename(&b, &a).await.unwrap();
        assert!(requests >= 4, "{requests}");
        for number in 1..=requests {
            lose(&proxy, number);
            let moved = store.rename(&a, &b).await;
            assert!(moved.is_ok(), "request {number} of {requests}: {moved:?}");
            assert!(!store.exists(&a).await.unwrap());
            assert_eq!(text(&*store, &b).await, "0123456789");
            store.rename(&b, &a).await.unwrap();
        }

        let requests = counted(&proxy, store.delete(&a, &DeleteOptions::default())).await;
        for number in 1..=requests {
            store
                .upload(&a, "0123456789".into(), &UploadOptions::default())
                .await
                .unwrap();
            lose(&proxy, number);
            let deleted = store.delete(&a, &DeleteOptions::default()).await;
            assert!(deleted.is_ok(), "request {number}: {deleted:?}");
            assert!(!store.exists(&a).await.unwrap());
        }

        lose(&proxy, 1);
        let created = store.upload(&a, "0123456789".into(), &CREATE).await;
        assert!(created.is_ok(), "{a}: {created:?}");
        let again = store.upload(&a, "0123456789".into(), &CREATE).await;
        assert!(
            matches!(again, Err(Error::AlreadyExists { .. })),
            "{again:?}"
        );
    }
}
