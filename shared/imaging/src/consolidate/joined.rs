//! Files of the levels of one record, read as one.

use super::{assembling, io};
use crate::Result;
use cog::{ReadAt, Record, TiledSource};
use std::{fs::File, path::PathBuf};

/// Several files, one behind the other.
#[derive(Debug)]
pub(super) struct Joined(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    /// Offset of its first byte.
    start: u64,
    file: File,
}

impl Joined {
    /// A single file.
    pub(super) fn of(file: File) -> Self {
        Self(vec![Piece { start: 0, file }])
    }
}

impl ReadAt for Joined {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        let index = self.0.partition_point(|piece| piece.start <= offset);
        let piece = index.checked_sub(1).and_then(|index| self.0.get(index));
        let piece = piece.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        // Blocks never reach from one file into the next.
        piece.file.read_at(offset - piece.start, buf)
    }

    fn len(&self) -> u64 {
        self.0
            .last()
            .map_or(0, |piece| piece.start + ReadAt::len(&piece.file))
    }
}

/// Opens the file of a record and those of its further overviews, the largest first.
pub(super) fn open(paths: &[PathBuf], name: String) -> Result<TiledSource<Joined>> {
    let mut joined = Joined(Vec::with_capacity(paths.len()));
    let mut levels = Vec::new();
    for path in paths {
        let file = File::open(path).map_err(|source| io("opening", path, source))?;
        let start = joined.len();
        let found = cog::File::read(&file).map_err(|source| assembling(path, source))?;
        for mut level in found.records.into_iter().flat_map(|record| record.levels) {
            let images = std::iter::once(&mut level.image).chain(&mut level.masks);
            for block in images.flat_map(|image| &mut image.blocks) {
                if !block.is_sparse() {
                    block.offset += start;
                }
            }
            levels.push(level);
        }
        joined.0.push(Piece { start, file });
    }
    TiledSource::new(joined, Record { levels }, name)
        .map_err(|source| assembling(&paths[0], source))
}
