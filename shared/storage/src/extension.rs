use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use futures::TryStreamExt;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::{ByteStream, DeleteOptions, Error, ReadOptions, RenameOptions, Result, Storage};

/// Conveniences on top of any [`Storage`].
#[async_trait]
pub trait StorageExt: Storage {
    /// Reads a range, cut at the end of the file.
    async fn read(&self, uri: &Uri, range: Range<u64>) -> Result<Bytes> {
        self.read_with(uri, &range.into()).await
    }

    /// Reads a whole file into memory, unless it has more than `limit` bytes.
    async fn download(&self, uri: &Uri, limit: u64) -> Result<Bytes> {
        // one byte more than allowed tells a file of the exact size from a larger one, without a second request
        let wanted = ReadOptions::from(0..limit.saturating_add(1));
        let data = self.read_with(uri, &wanted).await?;
        if data.len() as u64 <= limit {
            return Ok(data);
        }
        let size = self.head(uri).await?.size;
        Err(Error::TooLarge {
            uri: uri.clone(),
            size,
            limit,
        })
    }

    /// Copies a file to a local path, whose parent folders are created. Returns the number of bytes.
    ///
    /// The local file appears complete or not at all.
    async fn download_to_file(&self, uri: &Uri, path: &Path) -> Result<u64> {
        let content = self.read_stream(uri).await?;
        let part = part_of(path);
        let written = write_part(uri, content, path, &part).await;
        if written.is_err() {
            // the reason of the failure matters more than a part file that cannot be removed
            let _ = tokio::fs::remove_file(&part).await;
        }
        written
    }

    /// Whether the file is there.
    async fn exists(&self, uri: &Uri) -> Result<bool> {
        match self.head(uri).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Moves a file as it is, replacing what was at the destination.
    async fn rename(&self, from: &Uri, to: &Uri) -> Result<()> {
        self.rename_with(from, to, &RenameOptions::default()).await
    }

    /// Removes a file, and succeeds when it is not there.
    async fn delete_if_exists(&self, uri: &Uri) -> Result<()> {
        self.delete(
            uri,
            &DeleteOptions {
                ignore_missing: true,
            },
        )
        .await
    }
}

impl<S: Storage + ?Sized> StorageExt for S {}

/// Unique sibling of a path, in the same folder so that it can be renamed to it.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.part", Uuid::new_v4().simple()))
}

async fn write_part(uri: &Uri, mut content: ByteStream, path: &Path, part: &Path) -> Result<u64> {
    let failed = |source| Error::Failed {
        uri: uri.clone(),
        operation: "write the local copy of",
        source,
    };
    let local = |error: std::io::Error| failed(error.into());
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(local)?;
    }
    let mut file = tokio::fs::File::create_new(part).await.map_err(local)?;
    let mut written = 0;
    while let Some(piece) = content.try_next().await? {
        file.write_all(&piece).await.map_err(local)?;
        written += piece.len() as u64;
    }
    file.flush().await.map_err(local)?;
    drop(file);
    tokio::fs::rename(part, path).await.map_err(local)?;
    Ok(written)
}
