//! A storage that fails now and then, as one behind a bad network does.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use futures::StreamExt;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use storage::{
    Attributes, ByteStream, DeleteOptions, Error, MemoryStorage, ReadOptions, RenameOptions,
    Result, Storage, UploadOptions,
};

/// What the far side or the way there does.
const FAULTS: [&str; 4] = [
    "429 Too Many Requests",
    "503 Service Unavailable",
    "connection reset by peer",
    "the answer ended before its last byte",
];

#[derive(Debug)]
pub struct Faulty {
    storage: MemoryStorage,
    /// Failures in a hundred calls.
    pub percent: AtomicU64,
    state: AtomicU64,
    pub faults: AtomicU32,
}

impl Faulty {
    pub fn new(seed: u64) -> Self {
        Self {
            storage: MemoryStorage::new(),
            percent: AtomicU64::new(0),
            state: AtomicU64::new(seed),
            faults: AtomicU32::new(0),
        }
    }

    fn random(&self) -> u64 {
        let step = |state: u64| {
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407)
        };
        let before = self
            .state
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |state| {
                Some(step(state))
            });
        before.unwrap() >> 33
    }

    /// The first half of an answer at times, as if it were all of it.
    fn cut(&self, data: Bytes) -> Bytes {
        if self.random() % 100 >= self.percent.load(Ordering::SeqCst) {
            return data;
        }
        self.faults.fetch_add(1, Ordering::SeqCst);
        data.slice(..data.len() / 2)
    }

    /// Fails at times.
    fn way(&self, uri: &Uri) -> Result<()> {
        if self.random() % 100 >= self.percent.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.faults.fetch_add(1, Ordering::SeqCst);
        let fault = FAULTS[self.random() as usize % FAULTS.len()];
        Err(Error::Unavailable {
            uri: uri.clone(),
            source: fault.into(),
        })
    }
}

#[async_trait]
impl Storage for Faulty {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.way(uri)?;
        self.storage.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.way(uri)?;
        let data = self.storage.read_with(uri, options).await?;
        Ok(self.cut(data))
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.way(uri)?;
        self.storage.read_ranges(uri, ranges, version).await
    }

    /// Breaks off in the middle at times.
    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.way(uri)?;
        let stream = self.storage.read_stream(uri).await?;
        match self.way(uri) {
            Ok(()) => Ok(stream),
            Err(error) => {
                let begin = stream.take(1);
                Ok(begin.chain(futures::stream::iter([Err(error)])).boxed())
            }
        }
    }

    /// The answers of what changes something may get lost after it is done.
    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        self.way(uri)?;
        self.storage.upload(uri, data, options).await?;
        self.way(uri)
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        self.way(uri)?;
        self.storage.upload_file(uri, path, options).await?;
        self.way(uri)
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        self.way(uri)?;
        self.storage.delete(uri, options).await?;
        self.way(uri)
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        self.way(from)?;
        self.storage.rename_with(from, to, options).await?;
        self.way(from)
    }
}
