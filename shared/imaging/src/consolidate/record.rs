//! One record, encoded by this program: merged strip by strip, its overviews made as it passes.

use super::{
    ConsolidateSpec,
    plan::Plan,
    pyramid::{Pyramid, TileRow},
    strips::Strips,
    tiles::{Job, Places, Strip},
};
use crate::{Error, Result, mosaic::Mosaic};
use std::sync::Arc;

/// Bytes of samples that one job encodes, about.
const JOB_BYTES: usize = 1 << 20;

/// Takes jobs; false when nobody carries them out any more.
pub(super) type Sink<'a> = &'a dyn Fn(Job) -> bool;

/// Merges a record and has its tiles encoded. Returns where they will be, and whether the record holds any valid
/// pixel.
pub(super) fn make(
    spec: &ConsolidateSpec,
    plan: &Arc<Plan>,
    mosaic: Option<&Mosaic<'_>>,
    sink: Sink<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<(Arc<Places>, bool)> {
    let places = Arc::new(Places::new(plan));
    let Some(mosaic) = mosaic else {
        return Ok((places, false));
    };
    let mut any_valid = false;
    let mut pyramid = Pyramid::new(spec, plan);
    for strip in Strips::new(spec, mosaic, plan.unit, cancel) {
        let (first, image) = strip?;
        any_valid |= image.any_valid();
        let (width, height) = (image.size().width as usize, image.size().height as usize);
        let mut strip = Strip {
            samples: image.into_band_sequential(),
            width,
            height,
        };
        let overviews = pyramid.add(first, &mut strip)?;
        let full = TileRow {
            level: 0,
            first,
            strip,
        };
        for rows in std::iter::once(full).chain(overviews) {
            send_rows(plan, &places, rows, sink)?;
        }
    }
    Ok((places, any_valid))
}

/// Hands in the tiles of some rows, which begin with a row of tiles.
fn send_rows(plan: &Plan, places: &Arc<Places>, rows: TileRow, sink: Sink<'_>) -> Result<()> {
    let level = &plan.levels[rows.level];
    let (width, height) = (level.format.width as usize, level.format.height as usize);
    let planes = level.image.tags.planes() as usize;
    let tile_bytes = level.format.row_bytes() * height * planes;
    let side_by_side = (JOB_BYTES / tile_bytes.max(1)).max(1);
    let across = rows.strip.width.div_ceil(width);
    let first_row = rows.first as usize / height;
    let strip = Arc::new(rows.strip);
    for row in (0..strip.height).step_by(height) {
        for column in (0..across).step_by(side_by_side) {
            let job = Job {
                places: Arc::clone(places),
                strip: Arc::clone(&strip),
                row,
                level: rows.level,
                tile_row: first_row + row / height,
                columns: column..(column + side_by_side).min(across),
            };
            if !sink(job) {
                return Err(Error::Cancelled);
            }
        }
    }
    Ok(())
}
