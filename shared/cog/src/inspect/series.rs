//! What a time series costs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Block, File, PlanLimits, assemble::tile_offset, plan_ranges};

/// Neighbours this close are read together.
const LIMITS: PlanLimits = PlanLimits {
    max_gap: 4 << 10,
    max_len: 64 << 20,
};

/// What it takes to read one block of full resolution in all the records, once the directories are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Places of the common grid where some record stores a block.
    pub places: u64,
    /// Most records that store a block at one place.
    pub records: u64,
    /// Range reads.
    pub reads: Spread,
    /// Bytes of these reads.
    pub bytes: Spread,
}

/// Figures of all the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The least.
    pub least: u64,
    /// Half of the places have no more.
    pub median: u64,
    /// The most.
    pub most: u64,
}

impl Series {
    /// Nothing when the records have no grid of blocks in common, or store no block at all.
    pub(super) fn of(file: &File) -> Option<Self> {
        let mut places: BTreeMap<(u32, u32), (u64, Vec<Block>)> = BTreeMap::new();
        for (record, (left, top)) in file.records.iter().zip(first_tiles(file)?) {
            let image = record.main();
            for y in 0..image.tags.blocks_down() {
                for x in 0..image.tags.blocks_across() {
                    let planes = 0..image.tags.planes();
                    let blocks = planes.filter_map(|plane| image.block(plane, x, y));
                    let stored: Vec<_> = blocks.filter(|block| !block.is_sparse()).collect();
                    if !stored.is_empty() {
                        let place = (left.saturating_add(x), top.saturating_add(y));
                        let (records, all) = places.entry(place).or_default();
                        *records += 1;
                        all.extend(stored);
                    }
                }
            }
        }
        let mut reads = Vec::with_capacity(places.len());
        let mut bytes = Vec::with_capacity(places.len());
        for (_, blocks) in places.values() {
            let plan = plan_ranges(blocks, LIMITS);
            reads.push(plan.ranges.len() as u64);
            let lengths = plan.ranges.iter().map(|range| range.end - range.start);
            bytes.push(lengths.fold(0, u64::saturating_add));
        }
        Some(Self {
            places: places.len() as u64,
            records: places.values().map(|(records, _)| *records).max()?,
            reads: Spread::of(reads)?,
            bytes: Spread::of(bytes)?,
        })
    }
}

impl Spread {
    fn of(mut figures: Vec<u64>) -> Option<Self> {
        figures.sort_unstable();
        Some(Self {
            least: *figures.first()?,
            median: figures[(figures.len() - 1) / 2],
            most: *figures.last()?,
        })
    }
}

/// Column and row of the first block of each record in the grid that they have in common, which begins at the leftmost
/// and the topmost of them.
pub(super) fn first_tiles(file: &File) -> Option<Vec<(u32, u32)>> {
    let first = file.records.first()?.main();
    let offsets = file
        .records
        .iter()
        .map(|record| tile_offset(first, record.main()).ok());
    let offsets: Vec<(i64, i64)> = offsets.collect::<Option<_>>()?;
    let left = offsets.iter().map(|offset| offset.0).min()?;
    let top = offsets.iter().map(|offset| offset.1).min()?;
    let from = |start: i64, at: i64| u32::try_from(at - start).ok();
    let tiles = offsets.into_iter();
    tiles
        .map(|(x, y)| Some((from(left, x)?, from(top, y)?)))
        .collect()
}
