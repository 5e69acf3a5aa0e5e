use std::io::{self, Write};

use super::{EncodedTile, TileSource};
use crate::Error;

/// Copies one tile, checks that it has the announced length, and tells its last four bytes.
pub(super) fn copy_tile(
    source: &mut dyn TileSource,
    tile: EncodedTile,
    expected: u64,
    out: &mut dyn Write,
) -> Result<[u8; 4], Error> {
    let mut counted = Counted {
        out,
        expected,
        written: 0,
        tail: [0; 4],
    };
    let copied = source.copy_tile(tile, &mut counted);
    let (actual, tail) = (counted.written, counted.tail);
    let EncodedTile {
        record,
        level,
        index,
        ..
    } = tile;
    if actual > expected {
        return Err(Error::TileLength {
            record,
            level,
            index,
            expected,
            actual,
        });
    }
    copied?;
    if actual < expected {
        return Err(Error::TileLength {
            record,
            level,
            index,
            expected,
            actual,
        });
    }
    Ok(tail)
}

/// Writes all, the error being ours.
pub(super) fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<(), Error> {
    out.write_all(bytes).map_err(Error::Write)
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    expected: u64,
    written: u64,
    tail: [u8; 4],
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written + bytes.len() as u64 > self.expected {
            self.written += bytes.len() as u64;
            return Err(io::Error::other("more bytes than announced"));
        }
        let taken = self.out.write(bytes)?;
        let last = &bytes[taken.saturating_sub(4)..taken];
        self.tail.rotate_left(last.len());
        self.tail[4 - last.len()..].copy_from_slice(last);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
