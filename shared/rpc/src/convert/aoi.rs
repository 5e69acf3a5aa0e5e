//! Footprints.

use crate::pb;
use domain::{AoiGeometry, MultiPolygon, Point, Polygon, Result, Ring};

/// Reads a footprint that must not be empty. Coordinates are widened to double precision.
pub(crate) fn aoi_from(aoi: pb::Aoi, max_vertices: usize) -> Result<AoiGeometry> {
    AoiGeometry::try_new(polygons(aoi), max_vertices)
}

/// Reads an optional filter: a footprint without any part is none.
pub(crate) fn aoi_filter(aoi: Option<pb::Aoi>, max_vertices: usize) -> Result<Option<AoiGeometry>> {
    let filter = aoi
        .map(polygons)
        .filter(|polygons| polygons.points().next().is_some());
    filter
        .map(|polygons| AoiGeometry::try_new(polygons, max_vertices))
        .transpose()
}

/// Writes a footprint. Coordinates are narrowed to single precision.
pub(crate) fn aoi_to(aoi: &MultiPolygon) -> pb::Aoi {
    let coord = |point: &Point| pb::Coord {
        lon: point.x as f32,
        lat: point.y as f32,
    };
    let ring = |ring: &Ring| pb::LinearRing {
        points: ring.0.iter().map(coord).collect(),
    };
    let polygon = |polygon: &Polygon| pb::Polygon {
        linearrings: polygon.0.iter().map(ring).collect(),
    };
    pb::Aoi {
        polygons: aoi.0.iter().map(polygon).collect(),
    }
}

/// Reads a ring. Coordinates are widened to double precision.
pub(super) fn ring(ring: pb::LinearRing) -> Ring {
    let point = |coord: pb::Coord| Point::new(f64::from(coord.lon), f64::from(coord.lat));
    Ring(ring.points.into_iter().map(point).collect())
}

fn polygons(aoi: pb::Aoi) -> MultiPolygon {
    let polygon =
        |polygon: pb::Polygon| Polygon(polygon.linearrings.into_iter().map(ring).collect());
    MultiPolygon(aoi.polygons.into_iter().map(polygon).collect())
}
