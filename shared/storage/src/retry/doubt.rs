//! Changes whose answer was lost: made or not?

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use domain::Uri;
use futures::TryStreamExt;
use tokio::io::AsyncReadExt;

use super::Retrying;
use crate::{Attributes, Error, ReadOptions, Result, Storage};

/// Whether a try failed in a way that says nothing about its effect.
#[derive(Debug, Default)]
pub(super) struct Doubt(AtomicBool);

impl Doubt {
    pub(super) async fn note(&self, attempt: impl Future<Output = Result<()>>) -> Result<()> {
        let tried = attempt.await;
        if tried.as_ref().is_err_and(Error::is_retryable) {
            self.0.store(true, Ordering::Relaxed);
        }
        tried
    }

    pub(super) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) fn settle(done: bool, refused: impl FnOnce() -> Error) -> Result<()> {
    if done { Ok(()) } else { Err(refused()) }
}

/// Attributes of a file, if there is one.
pub(super) fn present(found: Result<Attributes>) -> Result<Option<Attributes>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether what is found at the destination is the moved file: of its size, and not what was there before. Where
/// versions are made of the content, an equal one tells the same.
pub(super) fn was_moved(
    moved: &Attributes,
    replaced: Option<&Attributes>,
    found: Option<&Attributes>,
) -> bool {
    found.is_some_and(|found| {
        let another = replaced.is_none_or(|replaced| replaced.version != found.version);
        found.size == moved.size && (another || found.version == moved.version)
    })
}

impl Retrying {
    /// Whether a file holds these bytes.
    pub(super) async fn has_content(&self, uri: &Uri, data: &Bytes) -> Result<bool> {
        let Some(found) = present(self.head(uri).await)? else {
            return Ok(false);
        };
        if found.size != data.len() as u64 {
            return Ok(false);
        }
        let options = ReadOptions {
            range: Some(0..found.size),
            version: Some(found.version),
        };
        match self.read_with(uri, &options).await {
            Ok(stored) => Ok(stored == data),
            Err(Error::NotFound { .. } | Error::Changed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a file holds the bytes of a local one.
    pub(super) async fn has_content_of(&self, uri: &Uri, path: &Path) -> Result<bool> {
        let local = |source| Error::unreadable_source(uri, source);
        let mut file = tokio::fs::File::open(path).await.map_err(local)?;
        let mut left = file.metadata().await.map_err(local)?.len();
        match present(self.head(uri).await)? {
            Some(found) if found.size == left => {}
            Some(_) | None => return Ok(false),
        }
        let mut stored = self.read_stream(uri).await?;
        let mut own = Vec::new();
        while let Some(piece) = stored.try_next().await? {
            let Some(rest) = left.checked_sub(piece.len() as u64) else {
                return Ok(false);
            };
            left = rest;
            own.resize(piece.len(), 0);
            file.read_exact(&mut own).await.map_err(local)?;
            if own != piece {
                return Ok(false);
            }
        }
        Ok(left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, version: &str) -> Attributes {
        Attributes {
            size,
            version: version.to_owned(),
            content_type: None,
            storage_class: None,
            unknown_class: None,
            last_modified: None,
        }
    }

    #[test]
    fn a_destination_is_the_moved_file_when_it_is_new_or_of_the_same_content() {
        let moved = file(10, "m");
        for (replaced, found, expected) in [
            (None, None, false),
            (None, Some(file(10, "x")), true),
            (None, Some(file(11, "x")), false),
            (Some(file(10, "x")), Some(file(10, "x")), false),
            (Some(file(7, "x")), Some(file(10, "y")), true),
            (Some(file(10, "m")), Some(file(10, "m")), true),
            (Some(file(10, "x")), None, false),
        ] {
            assert_eq!(
                was_moved(&moved, replaced.as_ref(), found.as_ref()),
                expected,
                "{replaced:?} {found:?}"
            );
        }
    }
}
