//! Bounds of one request, so that no caller can starve the others.

use database::dataset::Bound;
use domain::{Error, Result, Size};
use std::time::Duration;

/// Bounds of one request. Each has a flag; the defaults are those of the servers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Records created by one call.
    pub records_per_request: usize,
    /// Ids listed in one request.
    pub ids_per_request: usize,
    /// Tags, filters on tags, or patterns in one request.
    pub tags: usize,
    /// Datasets, files of a layout, jobs or lines of a log in one answer.
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
            tags: 1000,
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
    /// Refuses more than `limit` of `what`, which ends with the flag of the bound.
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

    /// The datasets that one search may find.
    pub(crate) fn search(&self) -> Bound {
        Bound::of(self.datasets, "maxPageSize")
    }

    /// The datasets that one tile may be made of.
    pub(crate) fn tile(&self) -> Bound {
        Bound::of(self.tile_datasets, "maxTileDatasets")
    }

    /// Refuses an image of more samples than one may have.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`].
    pub(crate) fn check_image(&self, size: Size, bands: usize) -> Result<()> {
        Self::check(
            "samples in one image (maxPixels)",
            size.pixels().saturating_mul(bands as u64),
            self.slice_samples,
        )
    }

    /// Refuses more tags, filters or patterns than one request may have: each costs a condition.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`].
    pub fn check_tags(&self, what: &str, count: usize) -> Result<()> {
        let what = format!("{what} in one request (maxTags)");
        Self::check(&what, count as u64, self.tags as u64)
    }

    /// Refuses an answer of more items than one may have.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`].
    pub(crate) fn check_answer(&self, what: &str, count: usize) -> Result<()> {
        if count as u64 > u64::from(self.datasets) {
            return Err(Error::LimitExceeded(format!(
                "there are more than {} {what}, at most as many fit into one answer (maxPageSize): ask for pages",
                self.datasets
            )));
        }
        Ok(())
    }
}
