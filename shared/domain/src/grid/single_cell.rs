//! One cell that holds the whole area.

use super::Cell;
use super::reproject::project_area;
use crate::footprint::Project;
use crate::{Error, GeoTransform, MultiPolygon, Result, Size};
use std::sync::Arc;

/// The bounding box of the area, rounded to whole pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleCellTiling {
    /// Side of a pixel in units of the reference system, positive.
    pub resolution: f64,
}

impl SingleCellTiling {
    pub(super) fn cover(
        self,
        crs: &Arc<str>,
        srid: i32,
        area: &MultiPolygon,
        projection: &dyn Project,
    ) -> Result<Cell> {
        let area = project_area(area, projection, self.resolution)?;
        let (min, max) = area
            .bounds()
            .ok_or_else(|| Error::invalid("Covers: empty AOI"))?;
        // an area smaller than half a pixel still has one; too large values saturate and are refused
        let pixels = |length: f64| (length / self.resolution).round().max(1.0) as i64;
        let size = Size::try_new(pixels(max.x - min.x), pixels(max.y - min.y))
            .map_err(|error| invalid(&error.to_string()))?;
        Ok(self.cell(crs, srid, (min.x, max.y), size))
    }

    /// Whether two cells hold the same area: an area that was cut to a cell and comes back through other
    /// reference systems has borders that are off by less than a pixel.
    pub(super) fn is_same(self, a: &Cell, b: &Cell) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() < self.resolution;
        let (origin, other) = (a.transform.0, b.transform.0);
        near(origin[0], other[0])
            && near(origin[3], other[3])
            && a.size.width.abs_diff(b.size.width) <= 1
            && a.size.height.abs_diff(b.size.height) <= 1
    }

    pub(super) fn cell_from_uri(self, crs: &Arc<str>, srid: i32, uri: &str) -> Result<Cell> {
        let (origin, size) = parse_uri(uri).ok_or_else(|| {
            invalid(&format!(
                "cell uri must be <x>/<y>/<width>/<height>, found {uri:?}"
            ))
        })?;
        Ok(self.cell(crs, srid, origin, size))
    }

    fn cell(self, crs: &Arc<str>, srid: i32, (left, top): (f64, f64), size: Size) -> Cell {
        // -0 would be written with its sign
        let (left, top) = (left + 0.0, top + 0.0);
        let Size { width, height } = size;
        Cell {
            uri: format!("{left}/{top}/{width}/{height}"),
            crs: Arc::clone(crs),
            srid,
            transform: GeoTransform::north_up(left, top, self.resolution),
            size,
        }
    }
}

fn parse_uri(uri: &str) -> Option<((f64, f64), Size)> {
    let parts: Vec<&str> = uri.split('/').collect();
    let [left, top, width, height] = parts.as_slice() else {
        return None;
    };
    let coordinate = |text: &str| text.parse().ok().filter(|value: &f64| value.is_finite());
    let size = Size::try_new(width.parse().ok()?, height.parse().ok()?).ok()?;
    Some(((coordinate(left)?, coordinate(top)?), size))
}

fn invalid(text: &str) -> Error {
    Error::invalid(format!("invalid SingleCellGrid: {text}"))
}
