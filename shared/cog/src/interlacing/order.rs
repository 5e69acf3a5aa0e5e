use std::{collections::HashSet, ops::Range};

use super::{Axis, InterlacingPattern, Loop, Part, Selection};

/// Extent of the tiles of every level of every record: `records[record][level]`, level 0 the full resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Levels of each record; records may have different numbers of them.
    pub records: Vec<Vec<LevelShape>>,
}

/// Tiles of one level of one record, in the tile grid common to the records of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelShape {
    /// Sample planes stored apart.
    pub planes: u32,
    /// Column of its leftmost tile.
    pub x0: u32,
    /// Row of its topmost tile.
    pub y0: u32,
    /// Columns of tiles.
    pub tiles_x: u32,
    /// Rows of tiles.
    pub tiles_y: u32,
}

/// One tile of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileRef {
    /// Record, from 0.
    pub record: u32,
    /// Zoom level, 0 for full resolution.
    pub level: u32,
    /// Sample plane.
    pub plane: u32,
    /// Column in the common tile grid.
    pub x: u32,
    /// Row in the common tile grid.
    pub y: u32,
}

impl LevelShape {
    fn count(&self) -> usize {
        self.planes as usize * self.tiles_x as usize * self.tiles_y as usize
    }
}

/// Every tile of the shape exactly once, in the order of the pattern. A tile that several parts name comes at its
/// first place; those that none names come last, as by a part `R>Z>T>B`.
///
/// Memory is bounded by the number of tiles, and a part is listed only when it is reached.
pub fn order(pattern: &InterlacingPattern, shape: &Shape) -> TileOrder {
    let whole = |axis| Loop {
        axis,
        selection: Selection::All,
    };
    let rest = [Axis::Record, Axis::Zoom, Axis::Tile, Axis::Band].map(whole);
    let mut starts = Vec::with_capacity(shape.records.len());
    let mut total = 0;
    for levels in &shape.records {
        let mut of_levels = Vec::with_capacity(levels.len());
        for level in levels {
            of_levels.push(total);
            total += level.count();
        }
        starts.push(of_levels);
    }
    TileOrder {
        parts: pattern
            .parts
            .iter()
            .cloned()
            .chain([rest])
            .collect::<Vec<_>>()
            .into_iter(),
        shape: shape.clone(),
        starts,
        done: vec![false; total],
        left: total,
        current: Listed::default(),
    }
}

/// Iterator of [`order`].
#[derive(Debug)]
pub struct TileOrder {
    parts: std::vec::IntoIter<Part>,
    shape: Shape,
    /// Number of tiles before each level, the index of its first one in `done`.
    starts: Vec<Vec<usize>>,
    done: Vec<bool>,
    left: usize,
    current: Listed,
}

/// The tiles of one part, sorted. Keys hold positions in the selections, the outermost loop first, and a tile
/// as its column, then its row.
#[derive(Debug, Default)]
struct Listed {
    axes: Vec<Axis>,
    chosen: Chosen,
    keys: std::vec::IntoIter<[u32; 5]>,
}

/// Selected indices in the order of the pattern, each once.
#[derive(Debug, Default)]
struct Chosen {
    records: Vec<u32>,
    levels: Vec<u32>,
    planes: Vec<u32>,
}

impl Iterator for TileOrder {
    type Item = TileRef;

    fn next(&mut self) -> Option<TileRef> {
        loop {
            if let Some(key) = self.current.keys.next() {
                return Some(self.current.tile(key));
            }
            if self.left == 0 {
                return None;
            }
            let part = self.parts.next()?;
            self.current = self.list(&part);
            self.left -= self.current.keys.len();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.left + self.current.keys.len();
        (count, Some(count))
    }
}

impl ExactSizeIterator for TileOrder {}

impl TileOrder {
    /// The tiles of a part that no part before it has named.
    fn list(&mut self, part: &Part) -> Listed {
        let chosen = self.choose(part);
        let axes = part.iter().map(|one| one.axis).collect::<Vec<_>>();
        let mut keys = Vec::new();
        for (record_at, &record) in chosen.records.iter().enumerate() {
            for (level_at, &level) in chosen.levels.iter().enumerate() {
                let Some(found) = self.shape.records[record as usize].get(level as usize) else {
                    continue;
                };
                let mut start = self.starts[record as usize][level as usize];
                for column in 0..found.tiles_x {
                    for row in 0..found.tiles_y {
                        for (plane_at, &plane) in chosen.planes.iter().enumerate() {
                            if plane >= found.planes
                                || std::mem::replace(&mut self.done[start + plane as usize], true)
                            {
                                continue;
                            }
                            let at = [record_at as u32, level_at as u32, plane_at as u32];
                            keys.push(key(
                                &axes,
                                at,
                                found.x0.saturating_add(column),
                                found.y0.saturating_add(row),
                            ));
                        }
                        start += found.planes as usize;
                    }
                }
            }
        }
        keys.sort_unstable();
        Listed {
            axes,
            chosen,
            keys: keys.into_iter(),
        }
    }

    fn choose(&self, part: &Part) -> Chosen {
        let levels = self.shape.records.iter().map(Vec::len).max().unwrap_or(0);
        let planes = self
            .shape
            .records
            .iter()
            .flatten()
            .map(|level| level.planes)
            .max()
            .unwrap_or(0);
        let mut chosen = Chosen::default();
        for one in part {
            match one.axis {
                Axis::Record => chosen.records = one.selection.within(self.shape.records.len()),
                Axis::Zoom => chosen.levels = one.selection.within(levels),
                Axis::Band => chosen.planes = one.selection.within(planes as usize),
                Axis::Tile => {}
            }
        }
        chosen
    }
}

fn key(axes: &[Axis], [record, level, plane]: [u32; 3], x: u32, y: u32) -> [u32; 5] {
    let mut key = [0; 5];
    let mut at = 0;
    for axis in axes {
        match axis {
            Axis::Record => key[at] = record,
            Axis::Zoom => key[at] = level,
            Axis::Band => key[at] = plane,
            Axis::Tile => {
                key[at] = x;
                at += 1;
                key[at] = y;
            }
        }
        at += 1;
    }
    key
}

impl Listed {
    fn tile(&self, key: [u32; 5]) -> TileRef {
        let mut tile = TileRef {
            record: 0,
            level: 0,
            plane: 0,
            x: 0,
            y: 0,
        };
        let mut at = 0;
        for axis in &self.axes {
            match axis {
                Axis::Record => tile.record = self.chosen.records[key[at] as usize],
                Axis::Zoom => tile.level = self.chosen.levels[key[at] as usize],
                Axis::Band => tile.plane = self.chosen.planes[key[at] as usize],
                Axis::Tile => {
                    tile.x = key[at];
                    at += 1;
                    tile.y = key[at];
                }
            }
            at += 1;
        }
        tile
    }
}

impl Selection {
    /// The selected indices below `count`, each at its first place.
    fn within(&self, count: usize) -> Vec<u32> {
        let count = count as u64;
        let clipped = |range: Range<u64>| range.map(|index| index as u32).collect();
        match self {
            Self::All => clipped(0..count),
            Self::Range(from, to) => clipped(*from..to.unwrap_or(count).min(count)),
            Self::List(values) => {
                let mut seen = HashSet::new();
                let valid = values
                    .iter()
                    .filter(|value| **value < count && seen.insert(**value));
                valid.map(|value| *value as u32).collect()
            }
        }
    }
}
