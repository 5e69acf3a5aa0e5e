//! Many who ask a cache for the same at the same time.

use std::{
    error::Error as _,
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use futures::future::join_all;
use storage::{
    Attributes, ByteStream, CacheOptions, Cached, DeleteOptions, Error, MemoryStorage, ReadOptions,
    RenameOptions, Result, Storage, StorageExt, UploadOptions,
};

use crate::uri;

/// Those who ask at the same time.
const MANY: usize = 50;

/// Turns of everybody else while a request is under way: all have asked long before it is answered.
const TURNS: usize = 4 * MANY;

/// A store that notes what it is asked, and takes its time to answer.
#[derive(Debug, Default)]
struct Slow {
    inner: MemoryStorage,
    asked: Mutex<Vec<&'static str>>,
    fails_next: AtomicBool,
}

impl Slow {
    /// What it was asked since the last call.
    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The answer is that of the moment at which it was asked.
    async fn answer<T>(
        &self,
        uri: &Uri,
        question: &'static str,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.asked.lock().unwrap().push(question);
        let fails = self.fails_next.swap(false, Ordering::Relaxed);
        let answer = answer.await;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        if fails {
            return Err(Error::Unavailable {
                uri: uri.clone(),
                source: "it fails once".into(),
            });
        }
        answer
    }
}

#[async_trait]
impl Storage for Slow {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.answer(uri, "head", self.inner.head(uri)).await
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let read = self.inner.read_start(uri, length);
        self.answer(uri, "start", read).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let read = self.inner.read_with(uri, options);
        self.answer(uri, "read", read).await
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
        self.inner.upload(uri, data, options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        self.inner.upload_file(uri, path, options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        self.inner.delete(uri, options).await
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        self.inner.rename_with(from, to, options).await
    }
}

struct Fixture {
    store: Arc<Slow>,
    cached: Cached,
    file: Uri,
}

impl Fixture {
    /// Sizes and versions are believed for so long.
    async fn new(fresh: Duration) -> Self {
        let store = Arc::new(Slow::default());
        let options = CacheOptions {
            block: 10,
            capacity: 100_000,
            fresh,
        };
        let fixture = Self {
            cached: Cached::new(Arc::clone(&store) as Arc<dyn Storage>, options),
            store,
            file: uri("gs://bucket/a.bin"),
        };
        fixture.put(content()).await;
        fixture
    }

    /// By the cache.
    async fn put(&self, data: Bytes) {
        let options = UploadOptions::default();
        self.cached
            .upload(&self.file, data, &options)
            .await
            .unwrap();
    }

    /// Opens the file as often as many do.
    async fn open(&self) -> Vec<Result<Arc<Attributes>>> {
        join_all((0..MANY).map(|_| self.cached.known(&self.file))).await
    }
}

const MINUTE: Duration = Duration::from_mins(1);

fn content() -> Bytes {
    (0..95).collect::<Vec<u8>>().into()
}

#[tokio::test]
async fn a_file_that_many_open_is_asked_for_once_and_known_from_then_on() {
    let fixture = Fixture::new(MINUTE).await;
    for _ in 0..2 {
        for known in fixture.open().await {
            assert_eq!(known.unwrap().size, 95);
        }
    }
    assert_eq!(fixture.store.asked(), ["start"]);
}

#[tokio::test]
async fn what_many_read_is_asked_for_once() {
    let fixture = Fixture::new(MINUTE).await;
    for _ in 0..2 {
        let reads = (0..MANY).map(|_| fixture.cached.read(&fixture.file, 3..47));
        for read in join_all(reads).await {
            assert_eq!(read.unwrap(), content()[3..47]);
        }
    }
    // the first block comes with the size
    assert_eq!(fixture.store.asked(), ["start", "read"]);
}

#[tokio::test]
async fn a_file_that_was_known_long_ago_is_looked_at_once() {
    let fixture = Fixture::new(Duration::ZERO).await;
    fixture.cached.known(&fixture.file).await.unwrap();
    assert_eq!(fixture.store.asked(), ["start"]);
    for known in fixture.open().await {
        assert_eq!(known.unwrap().size, 95);
    }
    assert_eq!(fixture.store.asked(), ["head"]);
}

#[tokio::test]
async fn a_failure_is_that_of_all_who_waited_and_is_not_kept() {
    let fixture = Fixture::new(MINUTE).await;
    fixture.store.fails_next.store(true, Ordering::Relaxed);
    for opened in fixture.open().await {
        let failed = opened.unwrap_err();
        assert_eq!(failed.source().unwrap().to_string(), "it fails once");
    }
    assert_eq!(fixture.store.asked(), ["start"]);
    fixture.cached.known(&fixture.file).await.unwrap();
    assert_eq!(fixture.store.asked(), ["start"]);

    // of blocks, wherever in it somebody waits
    fixture.store.fails_next.store(true, Ordering::Relaxed);
    let reads = (0..MANY).map(|at| {
        let start = at as u64 % 40;
        fixture.cached.read(&fixture.file, 10 + start..60)
    });
    for read in join_all(reads).await {
        assert!(read.unwrap_err().is_retryable());
    }
    assert_eq!(fixture.store.asked(), ["read"]);
    let read = fixture.cached.read(&fixture.file, 10..60).await;
    assert_eq!(read.unwrap(), content()[10..60]);
}

#[tokio::test]
async fn one_who_goes_away_leaves_the_question_to_the_others() {
    let fixture = Fixture::new(MINUTE).await;
    let first = async {
        tokio::select! {
            biased;
            _ = fixture.cached.known(&fixture.file) => panic!("the store is slower"),
            () = tokio::task::yield_now() => {}
        }
    };
    let ((), opened) = tokio::join!(first, fixture.open());
    for known in opened {
        assert_eq!(known.unwrap().size, 95);
    }
    assert_eq!(fixture.store.asked(), ["start", "start"]);
}

#[tokio::test]
async fn an_answer_from_before_a_write_is_not_remembered() {
    let fixture = Fixture::new(MINUTE).await;
    let (_, ()) = tokio::join!(fixture.open(), fixture.put("new".into()));
    assert_eq!(fixture.store.asked(), ["start"]);
    let known = fixture.cached.known(&fixture.file).await.unwrap();
    assert_eq!(known.size, 3);
    assert_eq!(fixture.store.asked(), ["start"]);
}
