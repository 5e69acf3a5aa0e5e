use crate::Crs;
use domain::{GeoTransform, Size};

/// The grid of an image: rotated, south-up and non-square grids included.
#[derive(Clone, Debug)]
pub struct Target {
    /// Reference system.
    pub crs: Crs,
    /// From pixels to coordinates.
    pub transform: GeoTransform,
    /// Pixels.
    pub size: Size,
}

impl Target {
    /// The part of the grid that begins at a column and row.
    pub fn part(&self, column: usize, row: usize, size: Size) -> Self {
        let origin = self.transform.apply(column as f64, row as f64);
        let mut transform = self.transform;
        transform.0[0] = origin.x;
        transform.0[3] = origin.y;
        Self {
            crs: self.crs.clone(),
            transform,
            size,
        }
    }
}
