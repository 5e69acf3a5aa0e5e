//! Cells of equal size, side by side.

use super::{Cell, cover};
use crate::footprint::Project;
use crate::{Error, GeoTransform, MultiPolygon, Result, Size};
use std::sync::Arc;

/// Cell (i, j) begins at pixel (i * width, j * height) of an endless raster that is north up; i grows
/// to the east and j to the south, both may be negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegularTiling {
    /// Width and height of a cell in pixels, each in [1, 65536].
    pub cell_size: Size,
    /// Side of a pixel in units of the reference system, positive.
    pub resolution: f64,
    /// West border of the cells with i = 0.
    pub ox: f64,
    /// North border of the cells with j = 0.
    pub oy: f64,
    /// Bytes granted to find the cells of an area, at 2 bytes for each cell of its bounding box.
    pub memory_limit: Option<u64>,
}

impl RegularTiling {
    /// Column and row of every cell that the area overlaps.
    pub(super) fn covers(
        &self,
        area: &MultiPolygon,
        projection: &dyn Project,
        max_cells: usize,
    ) -> Result<Vec<(i32, i32)>> {
        cover::covers(self, area, projection, max_cells)
    }

    pub(super) fn cell(&self, crs: &Arc<str>, srid: i32, i: i32, j: i32) -> Cell {
        let column = f64::from(i) * f64::from(self.cell_size.width);
        let row = f64::from(j) * f64::from(self.cell_size.height);
        Cell {
            uri: format!("{i}/{j}"),
            crs: Arc::clone(crs),
            srid,
            // rounded once, so that neighbours share their corners exactly
            transform: GeoTransform::north_up(
                self.resolution.mul_add(column, self.ox),
                (-self.resolution).mul_add(row, self.oy),
                self.resolution,
            ),
            size: self.cell_size,
        }
    }

    pub(super) fn parse_uri(uri: &str) -> Result<(i32, i32)> {
        uri.split_once('/')
            .and_then(|(i, j)| Some((i.parse().ok()?, j.parse().ok()?)))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "invalid RegularGrid: cell uri must be <i>/<j>, found {uri:?}"
                ))
            })
    }
}
