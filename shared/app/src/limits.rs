//! Bounds of one request, so that no caller can starve the others.

use domain::{Error, Result};
use std::time::Duration;

/// Bounds of one request. Each has a flag; the defaults are those of the servers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Records created by one call.
    pub records_per_request: usize,
    /// Ids listed in one request.
    pub ids_per_request: usize,
    /// Datasets of one answer.
    pub datasets: u32,
    /// Slices of one cube.
    pub slices: usize,
    /// Samples (pixels times bands) of one slice.
    pub slice_samples: u64,
    /// Vertices of one area of interest.
    pub aoi_vertices: usize,
    /// Cells of one tiling.
    pub grid_cells: usize,
    /// Datasets mosaicked in one tile.
    pub tile_datasets: u32,
    /// Duration of one cube.
    pub cube_duration: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records_per_request: 100_000,
            ids_per_request: 100_000,
            datasets: 1_000_000,
            slices: 10_000,
            slice_samples: 1 << 29,
            aoi_vertices: 100_000,
            grid_cells: 1_000_000,
            tile_datasets: 1000,
            cube_duration: Duration::from_mins(15),
        }
    }
}

impl Limits {
    /// Refuses more than `limit` of `what`.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] that names the bound and its value.
    pub fn check(what: &str, count: u64, limit: u64) -> Result<()> {
        if count > limit {
            return Err(Error::LimitExceeded(format!(
                "too many {what}: {count}, at most {limit} are accepted"
            )));
        }
        Ok(())
    }
}
