//! Cutting of shapes with continuous longitudes into pieces within [-180, 180].

use super::clip::{Side, clip};
use super::ring::x_range;
use super::sphere::halve_meridians;
use crate::{Error, MultiPolygon, Polygon, Result};

/// Widths below this, in degrees (0.1 mm), are rounding errors.
const SMALLEST_WIDTH: f64 = 1e-9;

/// Largest absolute longitude that is still cut: ten revolutions.
const MAX_LONGITUDE: f64 = 3600.0;

/// Cuts polygons that are wider than 90 degrees or leave [-180, 180] at the multiples of 90 degrees,
/// and moves each piece into [-180, 180]. Edges from pole to pole are halved, as a geography knows none that is half a
/// revolution long.
///
/// # Errors
/// [`Error::Invalid`] when a coordinate is not finite or a longitude is beyond ±3600.
pub fn split_geography(shape: &MultiPolygon) -> Result<MultiPolygon> {
    let mut pieces = split(shape, |min, max| {
        (max - min > 90.0 || min < -180.0 || max > 180.0).then_some(Slabs {
            origin: 0.0,
            width: 90.0,
        })
    })?;
    pieces
        .0
        .iter_mut()
        .flat_map(|piece| &mut piece.0)
        .for_each(halve_meridians);
    Ok(pieces)
}

/// Cuts polygons that leave [-180, 180] at the meridians ±180, ±540…, and moves each piece into
/// [-180, 180].
///
/// # Errors
/// [`Error::Invalid`] when a coordinate is not finite or a longitude is beyond ±3600.
pub fn split_geometry(shape: &MultiPolygon) -> Result<MultiPolygon> {
    split(shape, |min, max| {
        (min < -180.0 || max > 180.0).then_some(Slabs {
            origin: -180.0,
            width: 360.0,
        })
    })
}

struct Slabs {
    origin: f64,
    width: f64,
}

fn split(
    shape: &MultiPolygon,
    slabs_for: impl Fn(f64, f64) -> Option<Slabs>,
) -> Result<MultiPolygon> {
    let out_of_range = |x: f64, y: f64| !x.is_finite() || !y.is_finite() || x.abs() > MAX_LONGITUDE;
    if let Some(point) = shape.points().find(|p| out_of_range(p.x, p.y)) {
        return Err(Error::invalid(format!(
            "longitude and latitude must be finite and in ±{MAX_LONGITUDE}, found {} {}",
            point.x, point.y
        )));
    }
    let mut pieces = Vec::with_capacity(shape.0.len());
    for polygon in &shape.0 {
        let Some(outer) = polygon.0.first() else {
            continue;
        };
        let (min, max) = x_range(&outer.0);
        match slabs_for(min, max) {
            Some(slabs) => cut(polygon, min, max, &slabs, &mut pieces),
            None => pieces.push(polygon.clone()),
        }
    }
    Ok(MultiPolygon(pieces))
}

/// Appends the pieces of a polygon that spans the longitudes from `min` to `max`.
fn cut(polygon: &Polygon, min: f64, max: f64, slabs: &Slabs, pieces: &mut Vec<Polygon>) {
    let first = ((min + SMALLEST_WIDTH - slabs.origin) / slabs.width).floor() as i32;
    let end = ((max - SMALLEST_WIDTH - slabs.origin) / slabs.width).ceil() as i32;
    for slab in first..end {
        let left = slabs.origin + slabs.width * f64::from(slab);
        let shift = -360.0 * ((left + 180.0) / 360.0).floor();
        let right_part = clip(polygon, Side::Right, left);
        let slab_parts = right_part
            .iter()
            .flat_map(|part| clip(part, Side::Left, left + slabs.width));
        for mut part in slab_parts {
            for point in part.0.iter_mut().flat_map(|ring| &mut ring.0) {
                point.x += shift;
            }
            pieces.push(part);
        }
    }
}
