//! Cells of grids.

use crate::footprint::{Project, to_lonlat};
use crate::{GeoTransform, Result, Ring, Size};
use std::sync::Arc;

/// A raster to be: part of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Identity within the grid.
    pub uri: String,
    /// Reference system, as the grid wrote it.
    pub crs: Arc<str>,
    /// EPSG code of the reference system, 0 when unknown.
    pub srid: i32,
    /// From pixels to the reference system.
    pub transform: GeoTransform,
    /// Width and height in pixels.
    pub size: Size,
}

impl Cell {
    /// Outline in the reference system, from (xmin,ymin) over (xmin,ymax).
    pub fn ring_in_crs(&self) -> Ring {
        self.transform.extent(self.size).ring()
    }

    /// The corners of the outline in longitude and latitude, without any vertex in between.
    ///
    /// Made to compare and to show cells; [`crate::footprint::project_ring`] follows the edges.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when a corner has no longitude and latitude.
    pub fn geographic_ring(&self, projection: &dyn Project) -> Result<Ring> {
        to_lonlat(projection, &self.ring_in_crs().0).map(Ring)
    }
}
