//! The encoded tiles of one record, wherever they are.

use super::{spill::Spill, tiles::Places};
use crate::file::OpenFile;
use cog::{ReadAt, Record, TiledSource};
use std::{io, sync::Arc};

/// The tiles of one record.
pub(super) struct Encoded {
    pub(super) tiles: Tiles,
    /// Whether the record holds any valid pixel.
    pub(super) any_valid: bool,
}

pub(super) enum Tiles {
    /// In the scratch file, by this program.
    Made(Arc<Places>),
    /// In the scratch file, by GDAL.
    ByLibrary(Record),
    /// In the file of the only dataset.
    Reused(TiledSource<Bytes>),
}

/// The file that holds tiles.
pub(super) enum Bytes {
    Spill(Arc<Spill>),
    Source(OpenFile),
}

impl Tiles {
    /// As a source of the result.
    pub(super) fn into_source(
        self,
        spill: &Arc<Spill>,
        name: String,
    ) -> Result<TiledSource<Bytes>, cog::Error> {
        let spilled = || Bytes::Spill(Arc::clone(spill));
        match self {
            Self::Made(places) => TiledSource::new(spilled(), places.record(), name),
            Self::ByLibrary(record) => TiledSource::new(spilled(), record, name),
            Self::Reused(source) => Ok(source),
        }
    }
}

impl ReadAt for Bytes {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Spill(spill) => spill.read_at(offset, buf),
            Self::Source(file) => ReadAt::read_at(file, offset, buf),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::Spill(spill) => ReadAt::len(spill.as_ref()),
            Self::Source(file) => ReadAt::len(file),
        }
    }
}
