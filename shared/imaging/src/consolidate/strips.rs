//! A record, strip by strip.

use super::ConsolidateSpec;
use crate::{Error, Image, Result, mosaic::Mosaic};
use domain::Size;

/// Records up to this size are held in memory where their codec or the kernel of their overviews asks for it.
const WHOLE_BYTES: u64 = 64 << 20;

/// Bytes of the strips that records are merged by.
pub(super) const STRIP_BYTES: u64 = 8 << 20;

/// Whether rows of a record may be held in memory.
pub(super) fn fits(spec: &ConsolidateSpec, rows: u32) -> bool {
    u64::from(rows).saturating_mul(line_bytes(spec)) <= WHOLE_BYTES
}

fn line_bytes(spec: &ConsolidateSpec) -> u64 {
    let sample = spec.mapping.format.dtype.size() as u64;
    u64::from(spec.target.size.width).saturating_mul(spec.bands as u64 * sample)
}

/// Rows of a strip: a multiple of `unit`, as many as `bytes` hold, but one at least.
pub(super) fn rows(spec: &ConsolidateSpec, unit: u32, bytes: u64) -> u32 {
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
    /// Strips of at most `rows` rows of opened datasets.
    pub(super) fn new(
        spec: &'a ConsolidateSpec,
        mosaic: &'a Mosaic<'a>,
        rows: u32,
        cancel: &'a dyn Fn() -> bool,
    ) -> Self {
        Self {
            spec,
            mosaic,
            rows,
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
    let rows = rows(spec, spec.block().1, STRIP_BYTES);
    for strip in Strips::new(spec, mosaic, rows, cancel) {
        if strip?.1.any_valid() {
            return Ok(true);
        }
    }
    Ok(false)
}
