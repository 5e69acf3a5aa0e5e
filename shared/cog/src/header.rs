mod entry;
mod ghost;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use entry::{Entry, FieldType};
pub use ghost::GhostArea;
pub(crate) use reader::Reader;

use crate::{Error, ReadAt, tags};

/// Most image directories read from one file.
const MAX_IFDS: usize = 1 << 16;
/// Most entries read from one directory; files in the field have fewer than 50.
const MAX_ENTRIES: u64 = 4096;

/// Order of the bytes of numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// `II`: least significant byte first.
    Little,
    /// `MM`: most significant byte first.
    Big,
}

/// The directories of a classic or `BigTIFF` file, without the values that lie outside of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Order of the bytes of all numbers, pixels included.
    pub byte_order: ByteOrder,
    /// True for `BigTIFF`: 64-bit offsets.
    pub big: bool,
    /// Structural metadata written by cloud-optimised writers after the header.
    pub ghost: Option<GhostArea>,
    /// Directories of the main chain, in order.
    pub ifds: Vec<Ifd>,
}

/// One image file directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Ifd {
    /// Where it starts in the file.
    pub offset: u64,
    /// Its entries in ascending tag order.
    pub entries: Vec<Entry>,
    /// Directories referenced by its tag 330.
    pub sub_ifds: Vec<Ifd>,
}

impl Header {
    /// Reads the chain of directories and their sub-directories.
    ///
    /// # Errors
    /// [`Error::NotTiff`] on other files, [`Error::Corrupt`] on chains that loop or leave the file,
    /// [`Error::TooLarge`] beyond the limits, [`Error::Read`] or [`Error::NeedBytes`] from the source.
    pub fn read<R: ReadAt + ?Sized>(source: &R) -> Result<Self, Error> {
        Reader::open(source)?.header()
    }
}

impl Ifd {
    /// The entry of a tag.
    pub fn entry(&self, tag: u16) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by_key(&tag, |entry| entry.tag)
            .ok()?;
        self.entries.get(at)
    }
}

impl<R: ReadAt + ?Sized> Reader<'_, R> {
    /// Reads all the directories.
    pub(crate) fn header(&self) -> Result<Header, Error> {
        let mut seen = HashSet::new();
        let mut ifds = Vec::new();
        let mut next = self.first_ifd()?;
        while next != 0 {
            let (mut ifd, after) = self.ifd(next, &mut seen)?;
            for offset in self.sub_ifd_offsets(&ifd)? {
                ifd.sub_ifds.push(self.ifd(offset, &mut seen)?.0);
            }
            ifds.push(ifd);
            next = after;
        }
        Ok(Header {
            byte_order: self.byte_order(),
            big: self.big(),
            ghost: ghost::read(self)?,
            ifds,
        })
    }

    /// One directory and the offset of the next one.
    fn ifd(&self, offset: u64, seen: &mut HashSet<u64>) -> Result<(Ifd, u64), Error> {
        if !seen.insert(offset) {
            return Err(Error::corrupt(format!(
                "directory at {offset} is referenced twice"
            )));
        }
        if seen.len() > MAX_IFDS {
            return Err(Error::TooLarge {
                what: "directories",
                limit: MAX_IFDS as u64,
            });
        }
        let (count_size, entry_size, next_size) = if self.big() { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(&self.bytes(offset, count_size)?);
        if count > MAX_ENTRIES {
            return Err(Error::TooLarge {
                what: "entries in a directory",
                limit: MAX_ENTRIES,
            });
        }
        let start = offset.saturating_add(count_size);
        let table = self.bytes(start, count * entry_size + next_size)?;
        let (rows, next) = table.split_at((count * entry_size) as usize);
        let mut entries = Vec::with_capacity(count as usize);
        for row in rows.chunks_exact(entry_size as usize) {
            entries.extend(Entry::parse(self, row)?);
        }
        // Some writers do not sort. Of a repeated tag the first counts, as in libtiff.
        entries.sort_by_key(|entry| entry.tag);
        entries.dedup_by_key(|entry| entry.tag);
        Ok((
            Ifd {
                offset,
                entries,
                sub_ifds: Vec::new(),
            },
            self.number(next),
        ))
    }

    fn sub_ifd_offsets(&self, ifd: &Ifd) -> Result<Vec<u64>, Error> {
        let Some(entry) = ifd.entry(tags::SUB_IFDS) else {
            return Ok(Vec::new());
        };
        let mut offsets = self.u64s(entry)?;
        offsets.retain(|offset| *offset != 0);
        Ok(offsets)
    }
}
