//! Geometry of the sphere, in degrees and metres.

use crate::{Point, Ring};

/// Radius of the sphere on which tolerances are measured, in metres.
const EARTH_RADIUS_M: f64 = 6_371_000.0;

/// Distance along the great circle in metres, by the spherical law of cosines.
///
/// The law is blind below a few decimetres, far less than any tolerance used here.
pub fn distance(a: Point, b: Point) -> f64 {
    let (lat_a, lat_b) = (a.y.to_radians(), b.y.to_radians());
    let delta = (b.x - a.x).to_radians();
    let cosine = lat_a.sin() * lat_b.sin() + lat_a.cos() * lat_b.cos() * delta.cos();
    if cosine > 1.0 {
        return 0.0;
    }
    EARTH_RADIUS_M * cosine.max(-1.0).acos()
}

/// Middle of the great circle from `a` to `b`; the long way round when their longitudes are more
/// than 180 degrees apart.
pub fn great_circle_middle(a: Point, b: Point) -> Point {
    let delta = (b.x - a.x).to_radians();
    let (lat_a, lat_b) = (a.y.to_radians(), b.y.to_radians());
    let mut x = f64::midpoint(lat_a.cos(), lat_b.cos() * delta.cos());
    let mut y = lat_b.cos() * delta.sin() / 2.0;
    let mut z = f64::midpoint(lat_a.sin(), lat_b.sin());
    if (b.x - a.x).abs() > 180.0 {
        (x, y, z) = (-x, -y, -z);
    }
    Point::new(
        a.x + y.atan2(x).to_degrees(),
        z.atan2(x.hypot(y)).to_degrees(),
    )
}

/// Middle of the straight segment.
pub fn middle(a: Point, b: Point) -> Point {
    Point::new(f64::midpoint(a.x, b.x), f64::midpoint(a.y, b.y))
}

/// Distance from the poles, in degrees, of vertices that edges from pole to pole join.
const POLAR: f64 = 0.5;

/// Adds the middle of every edge that leads from one pole to the other.
pub fn halve_meridians(ring: &mut Ring) {
    let is_whole = |edge: &[Point]| (edge[0].y - edge[1].y).abs() > 180.0 - POLAR;
    if !ring.0.windows(2).any(is_whole) {
        return;
    }
    let mut halved = Vec::with_capacity(ring.0.len() + 2);
    for edge in ring.0.windows(2) {
        halved.push(edge[0]);
        if is_whole(edge) {
            halved.push(middle(edge[0], edge[1]));
        }
    }
    halved.extend(ring.0.last());
    ring.0 = halved;
}

/// An edge between opposite points of the globe, which great circles join in every direction.
pub fn ambiguous_edge(ring: &Ring) -> Option<(Point, Point)> {
    /// Degrees, below which a database takes points for opposite ones.
    const NEAR: f64 = 1e-7;
    let opposite = |edge: &&[Point]| {
        let (a, b) = (edge[0], edge[1]);
        (a.y + b.y).abs() < NEAR && (wrap(a.x - b.x).abs() - 180.0).abs() < NEAR
    };
    let found = ring.0.windows(2).find(opposite)?;
    Some((found[0], found[1]))
}

/// The equivalent angle in [-180, 180).
pub fn wrap(degrees: f64) -> f64 {
    (degrees % 360.0 + 540.0) % 360.0 - 180.0
}

#[cfg(test)]
mod tests {
    use super::{great_circle_middle, wrap};
    use crate::Point;

    #[test]
    fn great_circles_bend_towards_the_pole() {
        for (a, b, (x, y)) in [
            ((0., 0.), (90., 0.), (45., 0.)),
            ((0., 45.), (90., 45.), (45., 54.7356103172)),
            ((170., -85.), (190., -85.), (180., -85.0755848488)),
        ] {
            let middle = great_circle_middle(Point::new(a.0, a.1), Point::new(b.0, b.1));
            assert!(
                (middle.x - x).abs() < 1e-9 && (middle.y - y).abs() < 1e-9,
                "{middle:?}"
            );
        }
    }

    #[test]
    fn angles_wrap_to_one_revolution() {
        for (angle, wrapped) in [
            (181., -179.),
            (-181., 179.),
            (350., -10.),
            (540., -180.),
            (0., 0.),
        ] {
            assert_eq!(wrap(angle), wrapped);
        }
    }
}
