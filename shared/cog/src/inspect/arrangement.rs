//! Recognising the order in which blocks lie in a file.

use super::Arrangement;
use crate::{Block, File, InterlacingPattern, Record, Shape, TileRef, order, writer::level_shape};

/// Orders that consolidation is asked for, then all the others of one part.
pub(super) const PATTERNS: [(&str, &str); 15] = [
    ("Z>T>R>B", "each block as a time series, level by level"),
    (
        "Z=0>T>R>B;R>Z=1:>T>B",
        "full resolution as time series of blocks, overviews record by record",
    ),
    (
        "Z=0>T>R>B;Z=1:>R>T>B",
        "full resolution as time series of blocks, overviews level by level",
    ),
    ("R>Z>T>B", "record after record, full resolution first"),
    (
        "R>Z=1:>T>B;R>Z=0>T>B",
        "overviews of all records, then full resolutions record by record",
    ),
    ("R>Z>B>T", "record after record, band after band"),
    (
        "R>B>Z>T",
        "record after record, band after band, all levels of each",
    ),
    ("Z>R>T>B", "level by level, record after record"),
    (
        "Z>R>B>T",
        "level by level, record after record, band after band",
    ),
    (
        "Z>T>B>R",
        "each block and band as a time series, level by level",
    ),
    (
        "Z>B>T>R",
        "band by band, each block as a time series, level by level",
    ),
    (
        "Z>B>R>T",
        "level by level, band after band, record after record",
    ),
    ("B>R>Z>T", "band after band, record after record"),
    (
        "B>Z>R>T",
        "band after band, level by level, record after record",
    ),
    ("B>Z>T>R", "band after band, each block as a time series"),
];

const OVERVIEWS_FIRST: &str = "row by row, overviews first, as in a COG";
const FULL_FIRST: &str = "row by row, full resolution first";
const NONE_STORED: &str = "no block is stored";
pub(super) const UNKNOWN: &str = "none that is known";

/// The order of the blocks. Masks, which follow their images, are left aside.
pub(super) fn recognise(file: &File) -> Arrangement {
    let words = |meaning| Arrangement {
        pattern: None,
        meaning,
    };
    if file
        .records
        .iter()
        .flat_map(super::record::blocks)
        .next()
        .is_none()
    {
        return words(NONE_STORED);
    }
    if let [record] = file.records.as_slice() {
        let levels = record.levels.iter().map(|level| &level.image);
        let rows = |image: &crate::Image| image.blocks.clone();
        if rises(levels.clone().rev().flat_map(rows)) {
            return words(OVERVIEWS_FIRST);
        }
        if rises(levels.flat_map(rows)) {
            return words(FULL_FIRST);
        }
    }
    let shape = shape(file);
    for (text, meaning) in PATTERNS {
        let Ok(pattern) = InterlacingPattern::parse(text) else {
            continue;
        };
        if rises(order(&pattern, &shape).filter_map(|tile| block(file, &shape, tile))) {
            return Arrangement {
                pattern: Some(text.to_owned()),
                meaning,
            };
        }
    }
    words(UNKNOWN)
}

/// Whether each stored block lies behind the one before.
fn rises(blocks: impl Iterator<Item = Block>) -> bool {
    let mut end = 0;
    for block in blocks.filter(|block| !block.is_sparse()) {
        if block.offset < end {
            return false;
        }
        end = block.end();
    }
    true
}

fn block(file: &File, shape: &Shape, tile: TileRef) -> Option<Block> {
    let (record, level) = (tile.record as usize, tile.level as usize);
    let origin = shape.records.get(record)?.get(level)?;
    let image = &file.records.get(record)?.levels.get(level)?.image;
    image.block(tile.plane, tile.x - origin.x0, tile.y - origin.y0)
}

/// The blocks of all records in their common grid; one grid each where there is none.
fn shape(file: &File) -> Shape {
    let first_tiles = super::series::first_tiles(file);
    let origins = first_tiles.unwrap_or_else(|| vec![(0, 0); file.records.len()]);
    let levels = |(record, origin): (&Record, (u32, u32))| {
        let full = &record.main().tags;
        let levels = record.levels.iter();
        levels
            .map(|level| level_shape(origin, full, &level.image.tags))
            .collect()
    };
    Shape {
        records: file.records.iter().zip(origins).map(levels).collect(),
    }
}
