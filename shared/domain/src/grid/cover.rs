//! Cells of a regular tiling that an area overlaps.

use super::RegularTiling;
use super::reproject::project_area;
use super::sweep::{on_border, sweep};
use crate::footprint::Project;
use crate::{Error, MultiPolygon, Point, Result};

/// Indices stay exact in doubles, and so do positions in pixels.
const MAX_INDEX: f64 = 2_147_000_000.0;

pub(super) fn covers(
    tiling: &RegularTiling,
    area: &MultiPolygon,
    projection: &dyn Project,
    max_cells: usize,
) -> Result<Vec<(i32, i32)>> {
    let mut area = project_area(area, projection, tiling.resolution)?;
    let width = tiling.resolution * f64::from(tiling.cell_size.width);
    let height = tiling.resolution * f64::from(tiling.cell_size.height);
    for polygon in &mut area.0 {
        for point in polygon.0.iter_mut().flat_map(|ring| &mut ring.0) {
            let i = on_border((point.x - tiling.ox) / width);
            let j = on_border((tiling.oy - point.y) / height);
            *point = Point::new(i, j);
        }
    }
    check_bounds(tiling, &area)?;
    sweep(&area, max_cells)
}

/// Refuses areas whose bounding box, one cell wider on each side, does not fit the memory limit.
fn check_bounds(tiling: &RegularTiling, area: &MultiPolygon) -> Result<()> {
    let Some((min, max)) = area.bounds() else {
        return Ok(());
    };
    if !(min.x >= -MAX_INDEX && min.y >= -MAX_INDEX && max.x <= MAX_INDEX && max.y <= MAX_INDEX) {
        return Err(Error::invalid(format!(
            "Covers: the AOI is more than {MAX_INDEX} cells away from the origin of the grid"
        )));
    }
    let columns = (max.x + 1.0).ceil() - (min.x - 1.0).floor();
    let rows = (max.y + 1.0).ceil() - (min.y - 1.0).floor();
    // up to 2^65, beyond any limit that can be written
    let needed = (columns as u128) * (rows as u128) * 2;
    match tiling.memory_limit {
        Some(limit) if needed > u128::from(limit) => Err(Error::invalid(format!(
            "Covers: Not enough memory (needed:{needed}, provided:{limit})"
        ))),
        Some(_) | None => Ok(()),
    }
}
