//! The part of the globe that a pixel grid covers.

use domain::footprint;
use domain::{Error, GeoTransform, MultiPolygon, Result, Size};
use imaging::Crs;

/// Outline of a pixel grid on the globe, cut so that the catalogue can search with it.
///
/// Edges follow the grid's reference system and are densified to within 1 percent of their length;
/// the outline may cross the dateline.
///
/// It is to be called on a blocking thread where a caller gave the system: PROJ takes its time for some.
///
/// # Errors
/// [`Error::Invalid`] when a part of the grid has no longitude and latitude.
pub(crate) fn geographic_extent(
    crs: &Crs,
    transform: &GeoTransform,
    size: Size,
) -> Result<MultiPolygon> {
    footprint::search_area(&transform.extent(size), crs)
        .map_err(|error| Error::invalid(format!("pix_to_crs and size: {error}")))
}
