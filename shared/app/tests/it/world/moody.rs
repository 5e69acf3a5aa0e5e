//! A storage in memory that treats each file as it is told to.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use storage::{
    Attributes, ByteStream, DeleteOptions, Error, MemoryStorage, ReadOptions, RenameOptions,
    Result, Storage, UploadOptions,
};

/// What becomes of the reads of a file.
#[derive(Clone, Debug)]
pub enum Mood {
    Good,
    Denied,
    Missing,
    /// So many fail for now.
    Busy(u32),
    /// No answer ever comes.
    Stalled,
    /// The next one is answered, then the file has this content.
    ReplacedAfterStart(Bytes),
}

#[derive(Debug, Default)]
pub struct Moody {
    storage: MemoryStorage,
    moods: Mutex<HashMap<Uri, Mood>>,
}

impl Moody {
    pub fn set(&self, uri: &Uri, mood: Mood) {
        self.moods.lock().unwrap().insert(uri.clone(), mood);
    }

    async fn read<T>(&self, uri: &Uri, read: impl Future<Output = Result<T>>) -> Result<T> {
        let mood = {
            let mut moods = self.moods.lock().unwrap();
            let mood = moods.get(uri).cloned().unwrap_or(Mood::Good);
            match &mood {
                Mood::Busy(left) if *left > 0 => {
                    moods.insert(uri.clone(), Mood::Busy(left - 1));
                }
                Mood::ReplacedAfterStart(_) => {
                    moods.remove(uri);
                }
                _ => {}
            }
            mood
        };
        let uri = uri.clone();
        match mood {
            Mood::Denied => Err(Error::PermissionDenied {
                uri,
                reason: "the test".to_owned(),
            }),
            Mood::Missing => Err(Error::NotFound { uri }),
            Mood::Busy(left) if left > 0 => Err(Error::Unavailable {
                uri,
                source: "busy".into(),
            }),
            Mood::Stalled => std::future::pending().await,
            Mood::Good | Mood::Busy(_) => read.await,
            Mood::ReplacedAfterStart(content) => {
                let answer = read.await;
                let options = UploadOptions::default();
                self.storage.upload(&uri, content, &options).await?;
                answer
            }
        }
    }
}

#[async_trait]
impl Storage for Moody {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.read(uri, self.storage.head(uri)).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        self.read(uri, self.storage.read_with(uri, options)).await
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.read(uri, self.storage.read_start(uri, length)).await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        self.read(uri, self.storage.read_ranges(uri, ranges, version))
            .await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.storage.read_stream(uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        self.storage.upload(uri, data, options).await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        self.storage.upload_file(uri, path, options).await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        self.storage.delete(uri, options).await
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        self.storage.rename_with(from, to, options).await
    }
}
