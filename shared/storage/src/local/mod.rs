mod files;
mod folder;
mod roots;

use std::{
    fs::{File, Metadata},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use futures::{StreamExt, stream};
pub use roots::{AllowedRoots, LocalRoots};

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadCounts, ReadOptions, RenameOptions, Result,
    Storage, UploadOptions, ranges::cut,
};

/// Size of the pieces of a stream: large enough for the disk, small enough for the memory.
const PIECE: u64 = 4 << 20;

/// Opens local files for those who read them by themselves: under the rules of [`LocalStorage`], in one step, so that
/// nothing comes between the check of a path and its use.
#[derive(Clone, Debug)]
pub struct LocalFiles {
    roots: Arc<LocalRoots>,
    counts: Option<ReadCounts>,
}

impl LocalFiles {
    /// Files below the given roots; what is read of them is counted where `counts` is given, by those who read.
    pub fn new(readable: AllowedRoots, counts: Option<ReadCounts>) -> Self {
        Self {
            roots: Arc::new(LocalRoots::reading(readable)),
            counts,
        }
    }

    /// Opens a regular file. Blocks.
    ///
    /// # Errors
    /// As reading by [`LocalStorage`] fails.
    pub fn open(&self, uri: &Uri) -> Result<(File, Metadata)> {
        files::open_regular(uri, &self.roots.source(uri)?)
    }

    /// Where to count reads.
    pub fn counts(&self) -> Option<&ReadCounts> {
        self.counts.as_ref()
    }
}

/// Files of the local file system (`/dir/a.tif`, `file:///dir/a.tif`).
///
/// Every access stays below the roots for it, symbolic links being followed before the check, and none after it.
/// A link that is written to, moved or deleted is that name, and not the file it leads to.
/// Only regular files are read: a device or a pipe is refused.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    roots: Arc<LocalRoots>,
}

impl LocalStorage {
    /// Serves the files below the given roots.
    pub fn new(roots: impl Into<LocalRoots>) -> Self {
        Self {
            roots: Arc::new(roots.into()),
        }
    }

    /// Runs file operations where they may block.
    async fn blocking<T: Send + 'static>(
        &self,
        uri: &Uri,
        work: impl FnOnce(&LocalRoots, &Uri) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (roots, uri) = (Arc::clone(&self.roots), uri.clone());
        spawn_blocking(move || work(&roots, &uri)).await
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.blocking(uri, |roots, uri| {
            files::attributes(uri, &roots.source(uri)?)
        })
        .await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let ReadOptions { range, version } = options.clone();
        self.blocking(uri, move |roots, uri| {
            let (file, size) = files::open(uri, &roots.source(uri)?, version.as_deref())?;
            read_range(uri, &file, &range.unwrap_or(0..size), size)
        })
        .await
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        let (ranges, version) = (ranges.to_vec(), version.map(str::to_owned));
        self.blocking(uri, move |roots, uri| {
            let (file, size) = files::open(uri, &roots.source(uri)?, version.as_deref())?;
            ranges
                .iter()
                .map(|range| read_range(uri, &file, range, size))
                .collect()
        })
        .await
    }

    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        let (file, size) = self
            .blocking(uri, |roots, uri| {
                files::open(uri, &roots.source(uri)?, None)
            })
            .await?;
        let (file, uri) = (Arc::new(file), uri.clone());
        let pieces = stream::iter((0..size).step_by(PIECE as usize)).then(move |start| {
            let (file, uri) = (Arc::clone(&file), uri.clone());
            spawn_blocking(move || {
                read_range(&uri, &file, &(start..start.saturating_add(PIECE)), size)
            })
        });
        Ok(pieces.boxed())
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        let if_absent = options.if_absent;
        self.blocking(uri, move |roots, uri| {
            files::write(uri, &roots.target(uri)?, &mut data.as_ref(), if_absent)
        })
        .await
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let (source, if_absent) = (path.to_owned(), options.if_absent);
        self.blocking(uri, move |roots, uri| {
            let target = roots.target(uri)?;
            let mut source =
                File::open(source).map_err(|error| Error::unreadable_source(uri, error))?;
            files::write(uri, &target, &mut source, if_absent)
        })
        .await
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        let options = *options;
        self.blocking(uri, move |roots, uri| {
            match files::remove(uri, &roots.target(uri)?) {
                Err(error) if error.is_not_found() && options.ignore_missing => Ok(()),
                removed => removed,
            }
        })
        .await
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, _: &RenameOptions) -> Result<()> {
        let to = to.clone();
        self.blocking(from, move |roots, from| {
            files::rename(from, &roots.target(from)?, &to, &roots.target(&to)?)
        })
        .await
    }
}

fn read_range(uri: &Uri, file: &File, range: &Range<u64>, size: u64) -> Result<Bytes> {
    let range = cut(uri, range, size)?;
    let mut buffer = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut buffer, range.start)
        .map_err(|source| match source.kind() {
            // it was longer when it was opened
            std::io::ErrorKind::UnexpectedEof => Error::Changed { uri: uri.clone() },
            _ => Error::from_io(uri, "read", source),
        })?;
    Ok(buffer.into())
}

pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // the runtime is going down: nobody will poll this again
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
