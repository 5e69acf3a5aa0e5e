use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;

use crate::Error;

/// Bytes that can be read at any position, from any thread.
pub trait ReadAt {
    /// Fills `buf` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` when the source ends before; whatever the source says else. `buf` is then unspecified.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Number of bytes of the source, 0 when it cannot be known.
    fn len(&self) -> u64;

    /// True when there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start
            .checked_add(buf.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let found = self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(found);
        Ok(())
    }

    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }
}

impl ReadAt for Bytes {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.as_ref().read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        ReadAt::len(self.as_ref())
    }
}

impl ReadAt for File {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buf, offset)
    }

    fn len(&self) -> u64 {
        self.metadata().map_or(0, |found| found.len())
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        (**self).len()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Box<T> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        (**self).len()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buf)
    }

    fn len(&self) -> u64 {
        (**self).len()
    }
}

/// The parts of a remote file fetched so far.
///
/// Parsing over it stops with [`Error::NeedBytes`] at the first part that is missing. The caller fetches it with
/// whatever I/O it has, inserts it and parses again, so that the parser itself never waits.
///
/// ```
/// use cog::{Error, File, Prefetched};
/// let mut known = Prefetched::new(1_000_000);
/// assert!(matches!(File::read(&known), Err(Error::NeedBytes { offset: 0, .. })));
/// known.insert(0, vec![0_u8; 64]);
/// assert!(matches!(File::read(&known), Err(Error::NotTiff)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Prefetched {
    len: u64,
    parts: Vec<(u64, Bytes)>,
}

impl Prefetched {
    /// Nothing fetched yet of a file of `len` bytes.
    pub fn new(len: u64) -> Self {
        Self {
            len,
            parts: Vec::new(),
        }
    }

    /// Adds the bytes found at `offset`.
    pub fn insert(&mut self, offset: u64, bytes: impl Into<Bytes>) {
        let at = self.parts.partition_point(|(start, _)| *start <= offset);
        self.parts.insert(at, (offset, bytes.into()));
    }

    /// The part that holds the byte at `offset`, from that byte on.
    fn from(&self, offset: u64) -> Option<&[u8]> {
        let before = self.parts.partition_point(|(start, _)| *start <= offset);
        self.parts[..before]
            .iter()
            .rev()
            .find_map(|(start, bytes)| {
                let skip = usize::try_from(offset - start).ok()?;
                bytes.get(skip..).filter(|rest| !rest.is_empty())
            })
    }
}

impl ReadAt for Prefetched {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            let at = offset + done as u64;
            let rest = self.from(at).ok_or_else(|| {
                io::Error::other(Missing {
                    offset: at,
                    len: (buf.len() - done) as u64,
                })
            })?;
            let taken = rest.len().min(buf.len() - done);
            buf[done..done + taken].copy_from_slice(&rest[..taken]);
            done += taken;
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        self.len
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not fetched yet")]
struct Missing {
    offset: u64,
    len: u64,
}

/// Reads `buf.len()` bytes, the error saying which.
pub(crate) fn read_exact<R: ReadAt + ?Sized>(
    source: &R,
    offset: u64,
    buf: &mut [u8],
) -> Result<(), Error> {
    let len = buf.len() as u64;
    source.read_at(offset, buf).map_err(|source| {
        match source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Missing>())
        {
            Some(missing) => Error::NeedBytes {
                offset: missing.offset,
                len: missing.len,
            },
            None => Error::Read {
                offset,
                len,
                source,
            },
        }
    })
}
