//! A record, strip by strip.

use super::ConsolidateSpec;
use crate::{Error, Image, Result, mosaic::Mosaic};
use domain::Size;

/// Records up to this size are held in memory where their codec or the kernel of their overviews asks for it.
const WHOLE_BYTES: u64 = 64 << 20;

/// Bytes of the strips that records are merged by: what stays in the caches of a processor where pixels are only
/// copied, more where each strip costs the set-up of a warp.
const COPIED_BYTES: u64 = 2 << 20;
const WARPED_BYTES: u64 = 32 << 20;

/// Rows of the blocks of a source that a strip holds at least, as far as the memory of a strip allows: those at its ends
/// are decoded twice.
const BLOCKS: u64 = 4;

/// Whether rows of a record may be held in memory.
pub(super) fn fits(spec: &ConsolidateSpec, rows: u32) -> bool {
    u64::from(rows).saturating_mul(line_bytes(spec)) <= WHOLE_BYTES
}

fn line_bytes(spec: &ConsolidateSpec) -> u64 {
    let sample = spec.mapping.format.dtype.size() as u64;
    u64::from(spec.target.size.width).saturating_mul(spec.bands as u64 * sample)
}

/// Rows of a strip: a multiple of `unit`, as many as its memory holds, but one at least.
fn rows(spec: &ConsolidateSpec, mosaic: &Mosaic<'_>, unit: u32) -> u32 {
    let bytes = match mosaic.aligned_block_rows(&spec.target) {
        Some(rows) => {
            let blocks = (rows as u64).saturating_mul(BLOCKS * line_bytes(spec));
            blocks.clamp(COPIED_BYTES, WARPED_BYTES)
        }
        None => WARPED_BYTES,
    };
    let units = bytes / line_bytes(spec).saturating_mul(u64::from(unit)).max(1);
    let rows = units.clamp(1, u64::from(u32::MAX / unit)) as u32 * unit;
    rows.min(spec.target.size.height)
}

/// The strips of a record from its first row on, each with its first row.
pub(super) struct Strips<'a> {
    spec: &'a ConsolidateSpec,
    mosaic: &'a Mosaic<'a>,
    rows: u32,
    next: u32,
    cancel: &'a dyn Fn() -> bool,
}

impl<'a> Strips<'a> {
    /// Strips of opened datasets; all but the last one have a multiple of `unit` rows.
    pub(super) fn new(
        spec: &'a ConsolidateSpec,
        mosaic: &'a Mosaic<'a>,
        unit: u32,
        cancel: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            spec,
            mosaic,
            rows: rows(spec, mosaic, unit),
            next: 0,
            cancel,
        }
    }

    fn render(&self, row: u32, rows: u32) -> Result<Image> {
        if (self.cancel)() {
            return Err(Error::Cancelled);
        }
        let size = Size {
            width: self.spec.target.size.width,
            height: rows,
        };
        let target = self.spec.target.part(0, row as usize, size);
        self.mosaic.render(&target, &self.spec.limits, self.cancel)
    }
}

impl Iterator for Strips<'_> {
    type Item = Result<(u32, Image)>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next;
        let left = self.spec.target.size.height.saturating_sub(row);
        if left == 0 {
            return None;
        }
        let rows = self.rows.min(left);
        self.next += rows;
        Some(self.render(row, rows).map(|image| (row, image)))
    }
}

/// Whether a record that is not made holds any valid pixel.
pub(super) fn any_valid(
    spec: &ConsolidateSpec,
    mosaic: &Mosaic<'_>,
    cancel: &dyn Fn() -> bool,
) -> Result<bool> {
    for strip in Strips::new(spec, mosaic, spec.block().1, cancel) {
        if strip?.1.any_valid() {
            return Ok(true);
        }
    }
    Ok(false)
}
