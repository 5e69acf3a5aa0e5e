use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;

use crate::{
    Attributes, ByteStream, DeleteOptions, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions,
};

/// What was asked for of one file, whether it came or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCount {
    /// Ranges asked for; a whole file counts as one.
    pub calls: u64,
    /// Questions for size and version.
    pub heads: u64,
    /// Bytes received. Those of a stream are not counted.
    pub bytes: u64,
}

/// What was read of each file, where those who count share it.
#[derive(Clone, Debug, Default)]
pub struct ReadCounts(Arc<Mutex<BTreeMap<Uri, ReadCount>>>);

impl ReadCounts {
    /// What was counted since the last call; starts again from zero.
    pub fn take(&self) -> BTreeMap<Uri, ReadCount> {
        std::mem::take(&mut *self.lock())
    }

    /// Counts a read by those who read a file without a [`Storage`]. `bytes` came.
    pub fn add(&self, uri: &Uri, bytes: u64) {
        let mut counts = self.lock();
        let count = counts.entry(uri.clone()).or_default();
        count.calls += 1;
        count.bytes += bytes;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uri, ReadCount>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the reads that pass through it, file by file: below what tries again, so that each try counts.
#[derive(Debug)]
pub struct Counting<S> {
    inner: S,
    counts: ReadCounts,
}

impl<S: Storage> Counting<S> {
    /// Counts the reads of `inner`, from zero.
    pub fn new(inner: S) -> Self {
        Self::sharing(inner, &ReadCounts::default())
    }

    /// Counts the reads of `inner` together with those of others.
    pub fn sharing(inner: S, counts: &ReadCounts) -> Self {
        Self {
            inner,
            counts: counts.clone(),
        }
    }

    /// What was counted since the last call; starts again from zero.
    pub fn take(&self) -> BTreeMap<Uri, ReadCount> {
        self.counts.take()
    }

    fn add_calls(&self, uri: &Uri, calls: usize) {
        self.counts.lock().entry(uri.clone()).or_default().calls += calls as u64;
    }

    fn add_bytes(&self, uri: &Uri, bytes: usize) {
        self.counts.lock().entry(uri.clone()).or_default().bytes += bytes as u64;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Counting<S> {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.counts.lock().entry(uri.clone()).or_default().heads += 1;
        self.inner.head(uri).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.add_calls(uri, 1);
        let data = self.inner.read_with(uri, options).await?;
        self.add_bytes(uri, data.len());
        Ok(data)
    }

    /// Counted as one read, whatever the store makes of it.
    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.add_calls(uri, 1);
        let (found, data) = self.inner.read_start(uri, length).await?;
        self.add_bytes(uri, data.len());
        Ok((found, data))
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.add_calls(uri, ranges.len());
        let pieces = self.inner.read_ranges(uri, ranges, version).await?;
        self.add_bytes(uri, pieces.iter().map(Bytes::len).sum());
        Ok(pieces)
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.add_calls(uri, 1);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStorage, StorageExt};

    #[tokio::test]
    async fn reads_are_counted_by_file_and_the_counts_restart() {
        let store = Counting::new(MemoryStorage::new());
        let uri = Uri::parse("gs://b/a").unwrap();
        store
            .upload(
                &uri,
                Bytes::from_static(b"0123456789"),
                &UploadOptions::default(),
            )
            .await
            .unwrap();
        store.read(&uri, 0..4).await.unwrap();
        store.read_ranges(&uri, &[0..2, 8..20], None).await.unwrap();
        assert_eq!(
            store.take().into_iter().collect::<Vec<_>>(),
            [(
                uri.clone(),
                ReadCount {
                    calls: 3,
                    heads: 0,
                    bytes: 8
                }
            )]
        );
        assert!(store.take().is_empty());
        store.head(&uri).await.unwrap();
        assert_eq!(store.take()[&uri].heads, 1);
    }

    #[tokio::test]
    async fn what_fails_is_counted_too_and_with_that_of_others() {
        let counts = ReadCounts::default();
        let stores = [(); 2].map(|()| Counting::sharing(MemoryStorage::new(), &counts));
        let uri = Uri::parse("gs://b/missing").unwrap();
        for store in &stores {
            store.read(&uri, 0..4).await.unwrap_err();
            store.head(&uri).await.unwrap_err();
        }
        let expected = ReadCount {
            calls: 2,
            heads: 2,
            bytes: 0,
        };
        assert_eq!(counts.take()[&uri], expected);
        assert!(counts.take().is_empty());
    }
}
