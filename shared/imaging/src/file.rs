//! A file that is open, wherever it is.

use std::{
    io::{self, ErrorKind},
    ops::Range,
    sync::{MutexGuard, PoisonError},
};

use domain::Uri;
use storage::Error;

use crate::{local::LocalFile, remote::RemoteFile};

/// A file that is open, in the version that was opened: for windows of pixels and for GDAL.
#[derive(Clone, Debug)]
pub(crate) enum OpenFile {
    Local(LocalFile),
    Remote(RemoteFile),
}

impl OpenFile {
    pub(crate) fn uri(&self) -> &Uri {
        match self {
            Self::Local(file) => file.uri(),
            Self::Remote(file) => file.uri(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Local(file) => file.size(),
            Self::Remote(file) => file.size(),
        }
    }

    /// The object of a store.
    pub(crate) fn remote(&self) -> Option<&RemoteFile> {
        match self {
            Self::Local(_) => None,
            Self::Remote(file) => Some(file),
        }
    }

    /// Fills as much of a buffer as there are bytes.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> storage::Result<usize> {
        match self {
            Self::Local(file) => file
                .read(offset, buffer)
                .map_err(|source| failed(file.uri(), source)),
            Self::Remote(file) => {
                let end = offset.saturating_add(buffer.len() as u64);
                let data = file.read(offset..end)?;
                let count = data.len().min(buffer.len());
                buffer[..count].copy_from_slice(&data[..count]);
                Ok(count)
            }
        }
    }

    /// Fills buffers with the ranges beside them, all at the same time where that is of use; whether all were filled.
    pub(crate) fn read_ranges(
        &self,
        ranges: &[Range<u64>],
        buffers: &mut [&mut [u8]],
    ) -> storage::Result<bool> {
        let file = match self {
            Self::Remote(file) => file,
            Self::Local(_) => {
                for (range, buffer) in ranges.iter().zip(buffers) {
                    if self.read(range.start, buffer)? < buffer.len() {
                        return Ok(false);
                    }
                }
                return Ok(true);
            }
        };
        for (part, buffer) in file.read_ranges(ranges)?.iter().zip(buffers) {
            if part.len() != buffer.len() {
                return Ok(false);
            }
            buffer.copy_from_slice(part);
        }
        Ok(true)
    }

    /// Keeps a failure for [`Self::take_failure`].
    pub(crate) fn fail(&self, error: Error) {
        *self.failure() = Some(error);
    }

    /// What failed in the hands of GDAL, which only knows that something did.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure().take()
    }

    fn failure(&self) -> MutexGuard<'_, Option<Error>> {
        let failure = match self {
            Self::Local(file) => file.failure(),
            Self::Remote(file) => file.failure(),
        };
        failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(uri: &Uri, source: io::Error) -> Error {
    Error::Failed {
        uri: uri.clone(),
        operation: "read",
        source: source.into(),
    }
}

impl cog::ReadAt for OpenFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let count = match self {
            Self::Local(file) => file.read(offset, buf)?,
            Self::Remote(_) => self.read(offset, buf).map_err(io::Error::other)?,
        };
        if count < buf.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        self.size()
    }
}
