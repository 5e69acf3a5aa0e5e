//! The part of the globe that a pixel grid covers.

use domain::footprint;
use domain::{GeoTransform, MultiPolygon, Result, Size};
use imaging::Crs;

/// Outline of a pixel grid on the globe, cut so that the catalogue can search with it.
///
/// Edges follow the grid's reference system and are densified to within 1 percent of their length;
/// the outline may cross the dateline.
pub(crate) fn geographic_extent(
    crs: &Crs,
    transform: &GeoTransform,
    size: Size,
) -> Result<MultiPolygon> {
    footprint::search_area(&transform.extent(size), crs)
}
