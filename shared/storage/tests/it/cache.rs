//! Which requests a cache makes, and which it saves.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::Uri;
use storage::{
    CacheOptions, Cached, Counting, Error, MemoryStorage, ReadCount, Storage, StorageExt,
    UploadOptions,
};

use crate::uri;

const OPTIONS: CacheOptions = CacheOptions {
    block: 10,
    capacity: 100_000,
    fresh: Duration::from_mins(1),
};

struct Fixture {
    inner: Arc<Counting<MemoryStorage>>,
    cached: Cached,
    file: Uri,
}

impl Fixture {
    async fn new(options: CacheOptions) -> Self {
        let inner = Arc::new(Counting::new(MemoryStorage::new()));
        let cached = Cached::new(Arc::clone(&inner) as Arc<dyn Storage>, options);
        let fixture = Self {
            inner,
            cached,
            file: uri("gs://bucket/a.bin"),
        };
        fixture.put(content(0)).await;
        fixture
    }

    /// Behind the back of the cache.
    async fn put(&self, data: Bytes) {
        let options = UploadOptions::default();
        self.inner.upload(&self.file, data, &options).await.unwrap();
    }

    fn requests(&self) -> ReadCount {
        self.inner.take().remove(&self.file).unwrap_or_default()
    }
}

/// Ninety-five bytes.
fn content(first: u8) -> Bytes {
    (0..95)
        .map(|index| first + index)
        .collect::<Vec<_>>()
        .into()
}

fn count(heads: u64, calls: u64, bytes: u64) -> ReadCount {
    ReadCount {
        calls,
        heads,
        bytes,
    }
}

#[tokio::test]
async fn neighbours_are_one_request_and_nothing_is_asked_for_twice() {
    let fixture = Fixture::new(OPTIONS).await;
    let all = content(0);
    // (range, heads, requests, bytes); the first block comes with the size
    for (range, expected) in [
        (12..18, count(0, 2, 20)),
        (10..20, count(0, 0, 0)),
        (5..45, count(0, 1, 30)),
        (0..50, count(0, 0, 0)),
        (88..500, count(0, 1, 15)),
        (95..99, count(0, 0, 0)),
        (0..95, count(0, 1, 30)),
    ] {
        let read = fixture.cached.read(&fixture.file, range.clone()).await;
        let (start, end) = (range.start as usize, (range.end as usize).min(95));
        assert_eq!(read.unwrap(), all[start..end], "{range:?}");
        assert_eq!(fixture.requests(), expected, "{range:?}");
    }
}

#[tokio::test]
async fn versions_are_never_mixed() {
    let fixture = Fixture::new(OPTIONS).await;
    let read = |range| fixture.cached.read(&fixture.file, range);
    assert_eq!(read(0..20).await.unwrap(), content(0)[..20]);
    fixture.put(content(100)).await;
    // the second block is known in the old version only, the third in none
    assert_eq!(read(15..25).await.unwrap(), content(100)[15..25]);
    assert_eq!(read(0..20).await.unwrap(), content(100)[..20]);
    let start = 0..4;
    let old = fixture
        .cached
        .read_ranges(
            &fixture.file,
            std::slice::from_ref(&start),
            Some("no such version"),
        )
        .await;
    assert!(matches!(old, Err(Error::Changed { .. })), "{old:?}");
}

#[tokio::test]
async fn an_absent_file_is_asked_for_again() {
    let fixture = Fixture::new(OPTIONS).await;
    let later = uri("gs://bucket/later.bin");
    for _ in 0..2 {
        assert!(
            fixture
                .cached
                .read(&later, 0..4)
                .await
                .unwrap_err()
                .is_not_found()
        );
    }
    let options = UploadOptions::default();
    fixture
        .inner
        .upload(&later, content(0), &options)
        .await
        .unwrap();
    assert_eq!(
        fixture.cached.read(&later, 0..4).await.unwrap(),
        content(0)[..4]
    );
}

#[tokio::test]
async fn a_small_cache_stays_small_and_right() {
    let options = CacheOptions {
        capacity: 400,
        ..OPTIONS
    };
    let fixture = Fixture::new(options).await;
    for _ in 0..3 {
        for start in [0, 20, 40, 60, 80] {
            let read = fixture.cached.read(&fixture.file, start..start + 15).await;
            assert_eq!(
                read.unwrap(),
                content(0)[start as usize..start as usize + 15]
            );
            let held = fixture.cached.held_bytes();
            assert!(0 < held && held <= options.capacity, "{held} bytes");
        }
    }
    assert!(fixture.requests().calls > 5, "not everything fits");
    let found = fixture.cached.take_use();
    assert!(found.misses >= 10 && found.evicted > 0, "{found:?}");
}

#[tokio::test]
async fn blocks_that_are_found_and_missed_are_counted() {
    let fixture = Fixture::new(OPTIONS).await;
    for (range, hits, misses) in [(0..10, 1, 0), (0..35, 1, 3), (5..35, 4, 0)] {
        let read = fixture.cached.read(&fixture.file, range.clone()).await;
        assert_eq!(read.unwrap().len() as u64, range.end - range.start);
        let found = fixture.cached.take_use();
        assert_eq!(
            (found.hits, found.misses, found.evicted),
            (hits, misses, 0),
            "{range:?}"
        );
    }
}
