//! Operations on shapes of one planar reference system.

use super::ring::doubled_area;
use crate::{MultiPolygon, Point, Polygon, Ring};
use geo::orient::{Direction, Orient};
use geo::{BooleanOps, Intersects, Relate, unary_union};

/// Part of a cell that is covered by at least one of the shapes, all in the same reference system.
///
/// Coordinates that the result shares with its sources are equal to them, bit for bit. `None` when
/// nothing but edges or points remains, or when a coordinate is not finite.
pub fn valid_shape(shapes: &[MultiPolygon], cell: &Ring) -> Option<MultiPolygon> {
    let cell_shape = MultiPolygon::from(cell.clone());
    let all = || shapes.iter().chain([&cell_shape]);
    if !all().all(is_finite) {
        return None;
    }
    let clip = to_geo(&cell_shape);
    let near: Vec<geo::MultiPolygon> = shapes
        .iter()
        .filter(|shape| boxes_overlap(shape, &cell_shape))
        .map(to_geo)
        .collect();
    let union = unary_union(&near);
    let covered = union.intersection(&clip);

    let snap = Snap::new(all().flat_map(MultiPolygon::points));
    let polygons: Vec<Polygon> = covered
        .0
        .iter()
        .filter_map(|polygon| from_geo(polygon, &snap))
        .collect();
    (!polygons.is_empty()).then_some(MultiPolygon(polygons))
}

/// Whether the interiors have a point in common (DE-9IM `T********`): sharing an edge is not enough.
///
/// False when a coordinate is not finite.
pub fn interiors_intersect(shape: &MultiPolygon, ring: &Ring) -> bool {
    let other = MultiPolygon::from(ring.clone());
    if !is_finite(shape) || !is_finite(&other) || !boxes_overlap(shape, &other) {
        return false;
    }
    let other = to_geo(&other);
    to_geo(shape).0.iter().any(|polygon| {
        polygon.intersects(&other)
            && polygon
                .relate(&other)
                .matches("T********")
                .is_ok_and(|matches| matches)
    })
}

fn is_finite(shape: &MultiPolygon) -> bool {
    shape
        .points()
        .all(|point| point.x.is_finite() && point.y.is_finite())
}

fn boxes_overlap(a: &MultiPolygon, b: &MultiPolygon) -> bool {
    let (Some((a_min, a_max)), Some((b_min, b_max))) = (a.bounds(), b.bounds()) else {
        return false;
    };
    a_min.x < b_max.x && b_min.x < a_max.x && a_min.y < b_max.y && b_min.y < a_max.y
}

fn to_geo(shape: &MultiPolygon) -> geo::MultiPolygon {
    let line = |ring: &Ring| {
        ring.0
            .iter()
            .map(|p| (p.x, p.y))
            .collect::<geo::LineString>()
    };
    let polygons = shape.0.iter().filter(|polygon| !polygon.0.is_empty());
    geo::MultiPolygon(
        polygons
            .map(|polygon| {
                let holes = polygon.0[1..].iter().map(line).collect();
                geo::Polygon::new(line(&polygon.0[0]), holes)
            })
            .collect(),
    )
    // the union counts revolutions: all outer rings must turn the same way
    .orient(Direction::Default)
}

fn from_geo(polygon: &geo::Polygon, snap: &Snap) -> Option<Polygon> {
    let ring = |line: &geo::LineString| {
        let mut points: Vec<Point> = line.coords().map(|c| snap.point(c.x, c.y)).collect();
        points.dedup();
        let ring = Ring(points);
        (ring.0.len() >= 4 && doubled_area(&ring) != 0.0).then_some(ring)
    };
    let outer = ring(polygon.exterior())?;
    let holes = polygon.interiors().iter().filter_map(ring);
    Some(Polygon([outer].into_iter().chain(holes).collect()))
}

/// Gives the coordinates of the sources back: boolean operations work on a grid of integers, 2^30
/// steps wide.
struct Snap {
    xs: Vec<f64>,
    ys: Vec<f64>,
    tolerance: f64,
}

impl Snap {
    fn new<'a>(points: impl Iterator<Item = &'a Point>) -> Self {
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = points.map(|p| (p.x, p.y)).unzip();
        let mut width: f64 = 0.0;
        for values in [&mut xs, &mut ys] {
            values.sort_by(f64::total_cmp);
            values.dedup();
            if let (Some(first), Some(last)) = (values.first(), values.last()) {
                width = width.max(last - first);
            }
        }
        Self {
            xs,
            ys,
            tolerance: width / f64::from(1 << 28),
        }
    }

    fn point(&self, x: f64, y: f64) -> Point {
        Point::new(
            nearest(&self.xs, x, self.tolerance),
            nearest(&self.ys, y, self.tolerance),
        )
    }
}

/// The nearest of the sorted values if it is within the tolerance, else the value itself.
fn nearest(sorted: &[f64], value: f64, tolerance: f64) -> f64 {
    let after = sorted.partition_point(|candidate| *candidate < value);
    let candidates = &sorted[after.saturating_sub(1)..sorted.len().min(after + 1)];
    candidates
        .iter()
        .copied()
        .filter(|candidate| (candidate - value).abs() <= tolerance)
        .min_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()))
        .unwrap_or(value)
}
