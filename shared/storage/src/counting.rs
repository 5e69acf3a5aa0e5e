use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;

use crate::{
    Attributes, ByteStream, DeleteOptions, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions,
};

/// What was read of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCount {
    /// Ranges asked for; a whole file counts as one.
    pub calls: u64,
    /// Questions for size and version.
    pub heads: u64,
    /// Bytes received. Those of a stream are not counted.
    pub bytes: u64,
}

/// Counts the reads that pass through it, file by file.
#[derive(Debug)]
pub struct Counting<S> {
    inner: S,
    counts: Mutex<BTreeMap<Uri, ReadCount>>,
}

impl<S: Storage> Counting<S> {
    /// Counts the reads of `inner`, from zero.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            counts: Mutex::default(),
        }
    }

    /// What was counted since the last call; starts again from zero.
    pub fn take(&self) -> BTreeMap<Uri, ReadCount> {
        std::mem::take(&mut *self.lock())
    }

    fn add(&self, uri: &Uri, calls: usize, bytes: usize) {
        let mut counts = self.lock();
        let count = counts.entry(uri.clone()).or_default();
        count.calls += calls as u64;
        count.bytes += bytes as u64;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uri, ReadCount>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Storage> Storage for Counting<S> {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        let found = self.inner.head(uri).await?;
        self.lock().entry(uri.clone()).or_default().heads += 1;
        Ok(found)
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let data = self.inner.read_with(uri, options).await?;
        self.add(uri, 1, data.len());
        Ok(data)
    }

    /// Counted as one read, whatever the store makes of it.
    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        let (found, data) = self.inner.read_start(uri, length).await?;
        self.add(uri, 1, data.len());
        Ok((found, data))
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        let pieces = self.inner.read_ranges(uri, ranges, version).await?;
        self.add(uri, ranges.len(), pieces.iter().map(Bytes::len).sum());
        Ok(pieces)
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        let content = self.inner.read_stream(uri).await?;
        self.add(uri, 1, 0);
        Ok(content)
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
}
