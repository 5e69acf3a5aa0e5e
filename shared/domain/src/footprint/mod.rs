//! Footprints on the globe: outlines of rasters in longitude and latitude, ready for the catalogue.
//!
//! A rectangle in a projected reference system has curved edges in longitude and latitude, may cross
//! the antimeridian and may hold a pole. [`project_ring`] follows the edges with as few vertices as
//! needed and keeps longitudes continuous, so that they may leave [-180, 180];
//! [`split_geography`] and [`split_geometry`] cut the result into pieces that a database can store.
//!
//! The projection is an argument ([`Project`]): this module knows no reference system.

mod clip;
mod planar;
mod project;
mod ring;
mod sphere;
mod split;
#[cfg(test)]
pub(crate) mod test_projections;
#[cfg(test)]
mod tests;

pub use planar::{interiors_intersect, valid_shape};
pub use project::{Edges, Project, project_ring};
pub use sphere::{ambiguous_edge, halve_meridians};
pub use split::{split_geography, split_geometry};

pub(crate) use project::{from_lonlat, to_lonlat};

use crate::{Error, Extent, MultiPolygon, Polygon, Result};

/// The three geometries that the catalogue stores for a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    /// Longitude and latitude, edges are great circles; no piece is wider than 90 degrees when it
    /// had to be cut.
    pub geog: MultiPolygon,
    /// Longitude and latitude, edges are straight in longitude and latitude.
    pub geom: MultiPolygon,
    /// Area of valid data in the reference system of the file.
    pub shape: MultiPolygon,
    /// EPSG code of the reference system of `shape`, 0 when unknown.
    pub srid: i32,
}

impl Footprint {
    /// Projects a shape given in the reference system of `projection`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the shape is empty, when a ring has fewer than three vertices, or
    /// when the shape does not project to finite longitudes and latitudes.
    pub fn of_shape(shape: &MultiPolygon, srid: i32, projection: &dyn Project) -> Result<Self> {
        let geog = split_geography(&project_shape(shape, projection, Edges::GreatCircle)?)?;
        let geom = split_geometry(&project_shape(shape, projection, Edges::Straight)?)?;
        Ok(Self {
            geog,
            geom,
            shape: shape.clone(),
            srid,
        })
    }
}

/// A shape given in the reference system of `projection`, in longitude and latitude with straight
/// edges; what leaves [-180, 180] is cut at the dateline and moved inside.
///
/// # Errors
/// As [`Footprint::of_shape`].
pub fn lonlat_pieces(shape: &MultiPolygon, projection: &dyn Project) -> Result<MultiPolygon> {
    split_geometry(&project_shape(shape, projection, Edges::Straight)?)
}

/// The area in which datasets are searched for a request: the outline of `extent` along great
/// circles, cut as the geographies of the catalogue.
///
/// # Errors
/// [`Error::Invalid`] when the extent does not project to finite longitudes and latitudes.
pub fn search_area(extent: &Extent, projection: &dyn Project) -> Result<MultiPolygon> {
    let ring = project_ring(&extent.ring(), projection, Edges::GreatCircle)?;
    split_geography(&ring.into())
}

/// Projects every ring of a shape; holes stay in the revolution of their outer ring.
fn project_shape(
    shape: &MultiPolygon,
    projection: &dyn Project,
    edges: Edges,
) -> Result<MultiPolygon> {
    let mut projected = Vec::with_capacity(shape.0.len());
    for polygon in &shape.0 {
        let mut rings = Vec::with_capacity(polygon.0.len());
        for ring in &polygon.0 {
            let mut ring = project_ring(ring, projection, edges)?;
            if let Some(outer) = rings.first() {
                ring::move_into_revolution(&mut ring, outer);
            }
            rings.push(ring);
        }
        if !rings.is_empty() {
            projected.push(Polygon(rings));
        }
    }
    if projected.is_empty() {
        return Err(Error::invalid("shape must not be empty"));
    }
    Ok(MultiPolygon(projected))
}
