//! From samples to encoded tiles.

use super::{
    plan::{LevelPlan, Plan},
    spill::Spill,
};
use crate::{Error, Result};
use cog::{Block, Codec, Encoder, Level, Record};
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// Rows of one level: band after band, as wide as the level.
#[derive(Debug)]
pub(super) struct Strip {
    pub(super) samples: Vec<u8>,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Where the tiles of one record are.
#[derive(Debug)]
pub(super) struct Places {
    plan: Arc<Plan>,
    levels: Mutex<Vec<Vec<Block>>>,
}

impl Places {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        let levels = plan.levels.iter();
        Self {
            plan: Arc::clone(plan),
            levels: Mutex::new(levels.map(|level| level.image.blocks.clone()).collect()),
        }
    }

    fn set(&self, level: usize, blocks: &[(usize, Block)]) {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, block) in blocks {
            levels[level][*index] = *block;
        }
    }

    /// The images of the record, once all its tiles are written.
    pub(super) fn record(&self) -> Record {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = |(plan, blocks): (&LevelPlan, &Vec<Block>)| Level {
            image: cog::Image {
                blocks: blocks.clone(),
                ..plan.image.clone()
            },
            masks: Vec::new(),
        };
        let plans = self.plan.levels.iter();
        Record {
            levels: plans.zip(levels.iter()).map(level).collect(),
        }
    }
}

/// Tiles to encode, side by side.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) places: Arc<Places>,
    pub(super) strip: Arc<Strip>,
    /// First row of the tiles in the strip.
    pub(super) row: usize,
    pub(super) level: usize,
    /// Row and columns of the tiles in the level.
    pub(super) tile_row: usize,
    pub(super) columns: Range<usize>,
}

/// Encodes tiles, keeping its memory from one to the next.
pub(super) struct Worker<'a> {
    spill: &'a Spill,
    encoders: Vec<(Codec, Encoder)>,
    samples: Vec<u8>,
    tile: Vec<u8>,
    encoded: Vec<u8>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(spill: &'a Spill) -> Self {
        Self {
            spill,
            encoders: Vec::new(),
            samples: Vec::new(),
            tile: Vec::new(),
            encoded: Vec::new(),
        }
    }

    /// Encodes the tiles of a job and appends them to the scratch file; those without data are left out.
    pub(super) fn encode(&mut self, job: &Job) -> Result<()> {
        let plan = &job.places.plan;
        let level = &plan.levels[job.level];
        let encoder = encoder(&mut self.encoders, level.codec)?;
        self.encoded.clear();
        let tags = &level.image.tags;
        let places = job.columns.clone();
        let places = places.flat_map(|column| (0..tags.planes()).map(move |plane| (plane, column)));
        let mut lengths = Vec::with_capacity(job.columns.len() * tags.planes() as usize);
        for (plane, column) in places {
            let index = tags.block_index(plane, column as u32, job.tile_row as u32);
            let Some(index) = index else { continue };
            let bands = level.bands_of(plane);
            if !gather(level, &plan.hole, job, column, bands, &mut self.samples) {
                continue;
            }
            encoder
                .encode(&level.format, &self.samples, &mut self.tile)
                .map_err(failed)?;
            self.encoded.extend_from_slice(&self.tile);
            lengths.push((index, self.tile.len() as u64));
        }
        if lengths.is_empty() {
            return Ok(());
        }
        let mut offset = self.spill.append(&self.encoded)?;
        let mut blocks = Vec::with_capacity(lengths.len());
        for (index, len) in lengths {
            blocks.push((index, Block { offset, len }));
            offset += len;
        }
        job.places.set(job.level, &blocks);
        Ok(())
    }
}

fn encoder(encoders: &mut Vec<(Codec, Encoder)>, codec: Codec) -> Result<&mut Encoder> {
    let known = encoders.iter().position(|(known, _)| *known == codec);
    let at = known.unwrap_or(encoders.len());
    if known.is_none() {
        encoders.push((codec, Encoder::new(codec).map_err(failed)?));
    }
    Ok(&mut encoders[at].1)
}

fn failed(error: cog::BlockError) -> Error {
    Error::Assemble {
        name: "encoding a tile".to_owned(),
        source: error.into(),
    }
}

/// Copies the samples of a tile of some bands, those of a pixel side by side, zeros outside of the image. False when
/// every one of them in the image is a hole.
fn gather(
    level: &LevelPlan,
    hole: &[u8],
    job: &Job,
    column: usize,
    bands: Range<usize>,
    tile: &mut Vec<u8>,
) -> bool {
    match hole.len() {
        1 => gather_samples::<1>(level, hole, job, column, bands, tile),
        2 => gather_samples::<2>(level, hole, job, column, bands, tile),
        4 => gather_samples::<4>(level, hole, job, column, bands, tile),
        _ => gather_samples::<8>(level, hole, job, column, bands, tile),
    }
}

fn gather_samples<const N: usize>(
    level: &LevelPlan,
    hole: &[u8],
    job: &Job,
    column: usize,
    bands: Range<usize>,
    tile: &mut Vec<u8>,
) -> bool {
    let (strip, format) = (&job.strip, &level.format);
    let (width, height) = (format.width as usize, format.height as usize);
    let (first, bands) = (bands.start, bands.len());
    let left = column * width;
    let columns = width.min(strip.width - left);
    let rows = height.min(strip.height - job.row);
    let row_bytes = width * bands * N;
    if (columns, rows) != (width, height) {
        tile.clear();
    }
    tile.resize(row_bytes * height, 0);
    let mut stored = false;
    for band in 0..bands {
        for row in 0..rows {
            let line = (first + band) * strip.height + job.row + row;
            let from = (line * strip.width + left) * N;
            let samples = &strip.samples[from..from + columns * N];
            let to = &mut tile[row * row_bytes..row * row_bytes + columns * bands * N];
            stored = stored || is_stored::<N>(samples, hole);
            if bands == 1 {
                to.copy_from_slice(samples);
                continue;
            }
            let (samples, _) = samples.as_chunks::<N>();
            let (to, _) = to.as_chunks_mut::<N>();
            for (to, sample) in to[band..].iter_mut().step_by(bands).zip(samples) {
                *to = *sample;
            }
        }
    }
    stored
}

/// Whether any sample is something else than a hole.
fn is_stored<const N: usize>(samples: &[u8], hole: &[u8]) -> bool {
    let (samples, _) = samples.as_chunks::<N>();
    samples.iter().any(|sample| sample.as_slice() != hole)
}
