//! Small questions about rings.

use crate::{Point, Ring};

/// Vertices without the closing one.
pub fn open_vertices(ring: &Ring) -> &[Point] {
    match ring.0.as_slice() {
        [first, .., last] if first == last => &ring.0[..ring.0.len() - 1],
        vertices => vertices,
    }
}

/// Smallest and largest x; (+inf, -inf) without any vertex.
pub fn x_range(points: &[Point]) -> (f64, f64) {
    points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), point| {
            (min.min(point.x), max.max(point.x))
        })
}

/// Twice the signed area, positive when counter-clockwise; relative to the first vertex, so that
/// large coordinates do not drown it.
pub fn doubled_area(ring: &Ring) -> f64 {
    let Some(origin) = ring.0.first() else {
        return 0.0;
    };
    ring.0
        .windows(2)
        .map(|edge| {
            (edge[0].x - origin.x) * (edge[1].y - origin.y)
                - (edge[1].x - origin.x) * (edge[0].y - origin.y)
        })
        .sum()
}

/// Whether the point is inside, by the even-odd rule; anything on the border.
pub fn contains(ring: &Ring, point: Point) -> bool {
    ring.0
        .windows(2)
        .filter(|edge| (edge[0].y > point.y) != (edge[1].y > point.y))
        .filter(|edge| {
            let t = (point.y - edge[0].y) / (edge[1].y - edge[0].y);
            edge[0].x + t * (edge[1].x - edge[0].x) > point.x
        })
        .count()
        % 2
        == 1
}

/// Shifts a hole by whole revolutions until it lies over its outer ring.
pub fn move_into_revolution(hole: &mut Ring, outer: &Ring) {
    let (hole_min, hole_max) = x_range(&hole.0);
    let (outer_min, outer_max) = x_range(&outer.0);
    let distance = f64::midpoint(outer_min, outer_max) - f64::midpoint(hole_min, hole_max);
    let shift = 360.0 * (distance / 360.0).round();
    let fits = hole_min >= outer_min && hole_max <= outer_max;
    if !fits && shift != 0.0 {
        for point in &mut hole.0 {
            point.x += shift;
        }
    }
}
