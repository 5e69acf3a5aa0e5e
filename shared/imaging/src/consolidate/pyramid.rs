//! Overviews, made row by row while their record passes.

use super::{
    ConsolidateSpec,
    library::blocks_suit_overviews,
    overviews::kernel_name,
    plan::{LevelPlan, Plan, picks_pixels},
    tiles::Strip,
};
use crate::{
    Error, Result,
    cast::{CastPlan, Side},
    ffi::{self, Layer, MemDataset, capture},
    memory_file::reason,
    raster::Raster,
};
use domain::{DType, Resampling, Size};
use gdal::Dataset;

const ACTION: &str = "building overviews";

/// The overviews of one record, of which as many rows are held as a row of tiles has.
pub(super) struct Pyramid<'a> {
    spec: &'a ConsolidateSpec,
    /// Whether each level is made of the one before, as GDAL does inside a file.
    cascades: bool,
    levels: Vec<Level>,
}

/// Rows of one level that became complete: a row of tiles.
pub(super) struct TileRow {
    /// Index among all the levels.
    pub(super) level: usize,
    /// First row in the level.
    pub(super) first: u32,
    pub(super) strip: Strip,
}

impl<'a> Pyramid<'a> {
    pub(super) fn new(spec: &'a ConsolidateSpec, plan: &Plan) -> Self {
        let cascades = blocks_suit_overviews(spec.block()) && is_made_of_overviews(spec);
        let mut levels: Vec<Level> = Vec::with_capacity(plan.levels.len());
        for (at, plan) in plan.levels.iter().enumerate().skip(1) {
            let before = levels.last().filter(|_| cascades);
            let level = Level::new(spec, at, plan, before);
            levels.push(level);
        }
        Self {
            spec,
            cascades,
            levels,
        }
    }

    /// Takes the next rows of the full resolution, which begin with row `first`. Returns what became complete.
    pub(super) fn add(&mut self, first: u32, strip: &mut Strip) -> Result<Vec<TileRow>> {
        let mut complete = Vec::new();
        if self.levels.is_empty() {
            return Ok(complete);
        }
        if picks_pixels(self.spec.overview_resampling) {
            for level in &mut self.levels {
                level.pick(first, strip, &mut complete);
            }
            return Ok(complete);
        }
        let reduced = self.reduced(strip)?;
        for (level, raster) in self.levels.iter_mut().zip(reduced) {
            level.append(&raster, &mut complete);
        }
        Ok(complete)
    }

    /// The strip as each overview shows it.
    fn reduced(&self, strip: &mut Strip) -> Result<Vec<Raster>> {
        let limit = self.spec.limits.image_bytes;
        let side = Side::of(&self.spec.mapping.format);
        let mut raster = Raster {
            dtype: side.dtype,
            bands: self.spec.bands,
            width: strip.width,
            height: strip.height,
            hole: side.hole,
            samples: std::mem::take(&mut strip.samples),
        };
        // GDAL would take signed bytes for unsigned ones.
        let wide = Side {
            dtype: DType::Int16,
            hole: side.hole,
        };
        let signed_bytes = side.dtype == DType::Int8;
        let reduced = if signed_bytes {
            let mut wider = raster.cast(&CastPlan::convert(side, wide), limit)?;
            let narrow = CastPlan::convert(wide, side);
            let reduced = self.regenerated(&mut wider, limit)?.into_iter();
            reduced
                .map(|level| level.cast(&narrow, limit))
                .collect::<Result<_>>()?
        } else {
            self.regenerated(&mut raster, limit)?
        };
        strip.samples = raster.samples;
        Ok(reduced)
    }

    fn regenerated(&self, raster: &mut Raster, limit: u64) -> Result<Vec<Raster>> {
        let failed = |reason: String| Error::gdal(ACTION, reason);
        let (bands, side) = (raster.bands, raster.side());
        let empty = |level: &Level| {
            let rows = (raster.height as f64 / level.ratio).round() as usize;
            let shape = (bands, level.size.width as usize, rows);
            Raster::empty("an overview", side, shape, limit)
        };
        let mut reduced = self.levels.iter().map(empty).collect::<Result<Vec<_>>>()?;
        let kernel = kernel_name(self.spec.overview_resampling);
        {
            let mut full = raster.dataset().map_err(failed)?;
            let targets = reduced.iter_mut().map(Raster::dataset);
            let mut targets = targets.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            for dataset in targets.iter_mut().chain([&mut full]) {
                mark_holes(dataset, bands, side.hole).map_err(failed)?;
            }
            let targets: Vec<_> = targets.iter().map(MemDataset::dataset).collect();
            let regenerate = |from, to: &[&Dataset]| {
                (1..=bands)
                    .try_for_each(|band| ffi::regenerate(from, to, Layer::Band(band), kernel))
                    .map_err(failed)
            };
            if self.cascades {
                let mut from = full.dataset();
                for target in targets {
                    regenerate(from, &[target])?;
                    from = target;
                }
            } else {
                regenerate(full.dataset(), &targets)?;
            }
        }
        Ok(reduced)
    }
}

/// Whether GDAL makes an overview inside a file of the one before. It picks pixels of the full resolution where it goes
/// through each band on its own.
fn is_made_of_overviews(spec: &ConsolidateSpec) -> bool {
    let kernel = spec.overview_resampling;
    kernel != Resampling::Mode && !(picks_pixels(kernel) && spec.file_options().is_by_band())
}

fn mark_holes(dataset: &mut MemDataset<'_>, bands: usize, hole: Option<f64>) -> Result<(), String> {
    let Some(hole) = hole else { return Ok(()) };
    let (marked, captured) = capture(|| {
        (1..=bands).try_for_each(|band| {
            let mut band = dataset.dataset_mut().rasterband(band)?;
            band.set_no_data_value(Some(hole))
        })
    });
    marked.map_err(|error| reason(&captured, &error))
}

/// One overview.
struct Level {
    /// Index among all the levels.
    index: usize,
    size: Size,
    bands: usize,
    sample_bytes: usize,
    /// Rows of a tile.
    block: u32,
    /// Rows of the full resolution per row.
    ratio: f64,
    /// Columns and rows of the full resolution that the nearest kernel picks.
    columns: Vec<usize>,
    rows: Vec<usize>,
    /// First row that is missing.
    next: u32,
    /// The row of tiles that is being filled, band after band.
    samples: Vec<u8>,
}

impl Level {
    fn new(spec: &ConsolidateSpec, index: usize, plan: &LevelPlan, before: Option<&Self>) -> Self {
        let (tags, full) = (&plan.image.tags, spec.target.size);
        let size = Size {
            width: tags.width,
            height: tags.height,
        };
        let (columns, rows) = match before {
            None => (
                picked(full.width, size.width),
                picked(full.height, size.height),
            ),
            Some(before) => (
                picked_again(&before.columns, size.width),
                picked_again(&before.rows, size.height),
            ),
        };
        Self {
            index,
            size,
            bands: spec.bands,
            sample_bytes: plan.format.sample_bytes(),
            block: tags.block_height,
            ratio: f64::from(full.height) / f64::from(size.height),
            columns,
            rows,
            next: 0,
            samples: Vec::new(),
        }
    }

    /// Takes what the nearest kernel picks of some rows.
    fn pick(&mut self, first: u32, strip: &Strip, complete: &mut Vec<TileRow>) {
        let (first, line) = (first as usize, strip.width * self.sample_bytes);
        while self.next < self.size.height {
            let row = self.rows[self.next as usize];
            let Some(row) = row.checked_sub(first).filter(|row| *row < strip.height) else {
                return;
            };
            let columns = std::mem::take(&mut self.columns);
            let size = self.sample_bytes;
            self.push(complete, |band, out| {
                let from = (band * strip.height + row) * line;
                let samples = &strip.samples[from..from + line];
                match size {
                    1 => pick_samples::<1>(samples, &columns, out),
                    2 => pick_samples::<2>(samples, &columns, out),
                    4 => pick_samples::<4>(samples, &columns, out),
                    _ => pick_samples::<8>(samples, &columns, out),
                }
            });
            self.columns = columns;
        }
    }

    /// Takes rows of its own.
    fn append(&mut self, rows: &Raster, complete: &mut Vec<TileRow>) {
        let line = rows.width * self.sample_bytes;
        for row in 0..rows.height {
            self.push(complete, |band, out| {
                let from = (band * rows.height + row) * line;
                out.copy_from_slice(&rows.samples[from..from + line]);
            });
        }
    }

    /// Adds a row, filled band by band.
    fn push(&mut self, complete: &mut Vec<TileRow>, fill: impl Fn(usize, &mut [u8])) {
        let first = self.next - self.next % self.block;
        let height = self.block.min(self.size.height - first);
        let (width, rows) = (self.size.width as usize, height as usize);
        let line = width * self.sample_bytes;
        self.samples.resize(self.bands * rows * line, 0);
        let row = (self.next - first) as usize;
        for band in 0..self.bands {
            let to = (band * rows + row) * line;
            fill(band, &mut self.samples[to..to + line]);
        }
        self.next += 1;
        if self.next == first + height {
            let samples = std::mem::take(&mut self.samples);
            complete.push(TileRow {
                level: self.index,
                first,
                strip: Strip {
                    samples,
                    width,
                    height: rows,
                },
            });
        }
    }
}

/// Positions along an axis that GDAL's nearest kernel picks.
fn picked(full: u32, reduced: u32) -> Vec<usize> {
    let ratio = f64::from(full) / f64::from(reduced);
    let pick = |position| (0.5 + f64::from(position) * ratio) as usize;
    (0..reduced).map(pick).collect()
}

/// The same, from positions that were picked before.
fn picked_again(positions: &[usize], reduced: u32) -> Vec<usize> {
    let picked = picked(positions.len() as u32, reduced).into_iter();
    picked.map(|at| positions[at]).collect()
}

fn pick_samples<const N: usize>(samples: &[u8], columns: &[usize], out: &mut [u8]) {
    let (samples, _) = samples.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    for (out, column) in out.iter_mut().zip(columns) {
        *out = samples[*column];
    }
}
