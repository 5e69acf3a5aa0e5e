//! What is written, read part by part, so that each part may be sent again.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, path::Path, sync::Arc};

use bytes::Bytes;
use domain::Uri;

use crate::{Error, Result, local::spawn_blocking};

/// Content of a known size.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    File(Arc<File>, u64),
}

impl Content {
    /// Opens a local file to write it to `uri`.
    pub(crate) async fn open(uri: &Uri, path: &Path) -> Result<Self> {
        let (uri, path) = (uri.clone(), path.to_owned());
        spawn_blocking(move || {
            let failed = |source| Error::unreadable_source(&uri, source);
            let file = File::open(path).map_err(failed)?;
            let size = file.metadata().map_err(failed)?.len();
            Ok(Self::File(Arc::new(file), size))
        })
        .await
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Memory(data) => data.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    /// A part, which lies within the content.
    pub(crate) async fn part(&self, uri: &Uri, range: Range<u64>) -> Result<Bytes> {
        let (file, uri) = match self {
            // both ends lie within data, so they fit usize
            Self::Memory(data) => return Ok(data.slice(range.start as usize..range.end as usize)),
            Self::File(file, _) => (Arc::clone(file), uri.clone()),
        };
        spawn_blocking(move || {
            let mut part = vec![0; (range.end - range.start) as usize];
            file.read_exact_at(&mut part, range.start)
                .map_err(|source| Error::unreadable_source(&uri, source))?;
            Ok(part.into())
        })
        .await
    }
}

/// The parts of `size` bytes, each of `part` but the last one.
pub(crate) fn parts(size: u64, part: u64) -> impl Iterator<Item = Range<u64>> + Send {
    (0..size.div_ceil(part)).map(move |index| index * part..size.min((index + 1) * part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_cover_the_content_whatever_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..95).collect();
        std::fs::write(&path, &bytes).unwrap();
        let uri = Uri::parse("gs://b/a").unwrap();
        let file = Content::open(&uri, &path).await.unwrap();
        for content in [file, Content::Memory(bytes.clone().into())] {
            assert_eq!(content.size(), 95);
            let mut found = Vec::new();
            for range in parts(95, 10) {
                found.extend(content.part(&uri, range).await.unwrap());
            }
            assert_eq!(found, bytes);
        }
        assert_eq!(parts(20, 10).collect::<Vec<_>>(), [0..10, 10..20]);
        assert_eq!(parts(0, 10).count(), 0);
        let missing = Content::open(&uri, &folder.path().join("b")).await;
        assert!(matches!(missing, Err(Error::Failed { .. })));
    }
}
