//! A store in memory that keeps account, and fails or changes when it is told to.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use std::{
    ops::Range,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{
    Attributes, ByteStream, DeleteOptions, Error, MemoryStorage, ReadOptions, RenameOptions,
    Result, Storage, UploadOptions,
};

/// Requests that were made, with their bytes; refused ones too.
pub type Requests = Vec<(Uri, u64)>;

#[derive(Debug, Default)]
pub struct Moody {
    inner: MemoryStorage,
    broken: AtomicBool,
    requests: Mutex<Requests>,
    next: Mutex<Option<(Uri, Bytes)>>,
}

impl Moody {
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    /// Replaces a file as soon as something was read.
    pub fn replace_after_next_read(&self, uri: Uri, data: impl Into<Bytes>) {
        *self.next.lock().unwrap() = Some((uri, data.into()));
    }

    /// Requests since the last call.
    pub fn take(&self) -> Requests {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    async fn answer<T>(
        &self,
        uri: &Uri,
        bytes: impl Fn(&T) -> usize,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if self.broken.load(Ordering::Relaxed) {
            self.requests.lock().unwrap().push((uri.clone(), 0));
            return Err(Error::Unavailable {
                uri: uri.clone(),
                source: "it is broken".into(),
            });
        }
        let answer = answer.await;
        let moved = answer.as_ref().map_or(0, |found| bytes(found) as u64);
        self.requests.lock().unwrap().push((uri.clone(), moved));
        let next = self.next.lock().unwrap().take();
        if let Some((uri, data)) = next {
            let options = UploadOptions::default();
            self.inner.upload(&uri, data, &options).await.unwrap();
        }
        answer
    }
}

#[async_trait]
impl Storage for Moody {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.answer(uri, |_| 0, self.inner.head(uri)).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let read = self.inner.read_with(uri, options);
        self.answer(uri, Bytes::len, read).await
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let read = self.inner.read_start(uri, length);
        self.answer(uri, |(_, data)| data.len(), read).await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        let mut parts = Vec::new();
        for range in ranges {
            let options = ReadOptions {
                range: Some(range.clone()),
                version: version.map(str::to_owned),
            };
            parts.push(self.read_with(uri, &options).await?);
        }
        Ok(parts)
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
