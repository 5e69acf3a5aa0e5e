//! Longitudes and latitudes of points.

use super::{Crs, invalid};
use crate::{Error, ffi::capture, lru::Lru};
use domain::{Point, footprint::Project};
use gdal::spatial_ref::CoordTransform;
use std::cell::RefCell;

/// Pairs of transformations kept per thread.
const KEPT: usize = 16;

struct Pair {
    to_lonlat: CoordTransform,
    from_lonlat: CoordTransform,
}

thread_local! {
    static PAIRS: RefCell<Lru<u64, Pair>> = RefCell::new(Lru::new(KEPT));
}

impl Project for Crs {
    fn to_lonlat(&self, points: &[Point]) -> domain::Result<Vec<Point>> {
        transform(self, points, |pair| &pair.to_lonlat)
    }

    fn from_lonlat(&self, points: &[Point]) -> domain::Result<Vec<Point>> {
        transform(self, points, |pair| &pair.from_lonlat)
    }
}

fn transform(
    crs: &Crs,
    points: &[Point],
    pick: impl Fn(&Pair) -> &CoordTransform,
) -> domain::Result<Vec<Point>> {
    let mut x: Vec<f64> = points.iter().map(|point| point.x).collect();
    let mut y: Vec<f64> = points.iter().map(|point| point.y).collect();
    if !x.iter().chain(&y).all(|value| value.is_finite()) {
        return Err(domain::Error::invalid(
            "coordinates: expected finite numbers",
        ));
    }
    PAIRS.with_borrow_mut(|pairs| {
        if pairs.get(&crs.0.id).is_none() {
            pairs.insert(crs.0.id, pair(crs)?);
        }
        let transformation = pairs.get(&crs.0.id).map(pick);
        let (result, captured) = capture(|| {
            transformation.map_or(Ok(()), |transformation| {
                transformation.transform_coords(&mut x, &mut y, &mut [])
            })
        });
        result.map_err(|_| {
            domain::Error::invalid(format!(
                "coordinates outside of the domain of {}: {}",
                crs.0.definition,
                captured.text()
            ))
        })
    })?;
    Ok(x.into_iter()
        .zip(y)
        .map(|(x, y)| Point::new(x, y))
        .collect())
}

fn pair(crs: &Crs) -> domain::Result<Pair> {
    let understood = |error: Error| {
        error
            .as_domain()
            .unwrap_or_else(|| domain::Error::invalid(error.to_string()))
    };
    let own = crs.spatial_ref().map_err(understood)?;
    let lonlat = Crs::parse("4326")
        .and_then(|crs| crs.spatial_ref())
        .map_err(understood)?;
    let (pair, captured) = capture(|| {
        Some(Pair {
            to_lonlat: CoordTransform::new(&own, &lonlat).ok()?,
            from_lonlat: CoordTransform::new(&lonlat, &own).ok()?,
        })
    });
    pair.ok_or_else(|| understood(invalid(&crs.0.definition.to_string(), &captured.text())))
}
