//! Footprints of files, and what their tests share.

mod cutting;
mod outline;
mod planar;

use super::test_projections::{LonLat, Utm, WebMercator};
use super::{Footprint, ring, search_area};
use crate::{Extent, MultiPolygon, Point, Polygon, Ring};

fn closed(points: &[(f64, f64)]) -> Ring {
    let mut points: Vec<Point> = points.iter().map(|(x, y)| Point::new(*x, *y)).collect();
    points.push(points[0]);
    Ring(points)
}

fn rectangle(x: (f64, f64), y: (f64, f64)) -> Ring {
    Ring::rectangle(Point::new(x.0, y.0), Point::new(x.1, y.1))
}

/// West and east of each part.
fn spans(shape: &MultiPolygon) -> Vec<(f64, f64)> {
    let span = |part: &Polygon| ring::x_range(&part.0[0].0);
    shape.0.iter().map(span).collect()
}

#[track_caller]
fn assert_points(ring: &Ring, expected: &[(f64, f64)], tolerance: f64) {
    assert_eq!(ring.0.len(), expected.len(), "{ring:?}");
    for (point, (x, y)) in ring.0.iter().zip(expected) {
        let error = (point.x - x).abs().max((point.y - y).abs());
        assert!(
            error < tolerance,
            "{point:?} instead of {x} {y} in {ring:?}"
        );
    }
}

#[test]
fn an_indexed_file_has_its_corners_as_footprint() {
    let outline = rectangle((400000., 401000.), (4999500., 5000000.));
    let footprint = Footprint::of_shape(&outline.into(), 32631, &Utm::north(31)).unwrap();
    let expected = [
        (1.72806712011822, 45.141893137633865),
        (1.727967039689767, 45.14639287617173),
        (1.740684272630693, 45.146533831290235),
        (1.740783353146235, 45.14203407076256),
        (1.72806712011822, 45.141893137633865),
    ];
    for shape in [&footprint.geog, &footprint.geom] {
        assert_eq!(shape.0.len(), 1);
        assert_points(&shape.0[0].0[0], &expected, 1e-9);
    }
}

#[test]
fn a_file_over_the_antimeridian_is_stored_in_two_parts() {
    let outline = rectangle((170., 190.), (-10., 10.));
    let footprint = Footprint::of_shape(&outline.clone().into(), 4326, &LonLat).unwrap();
    let parts = [(170., 180.), (-180., -170.)];
    assert_eq!(footprint.shape, outline.into());
    assert_eq!(spans(&footprint.geog), parts);
    assert_eq!(spans(&footprint.geom), parts);
}

#[test]
fn holes_lie_in_the_revolution_of_their_outline() {
    let outer = rectangle((1e5, 2e5), (7.59e6, 7.7e6));
    let hole = rectangle((1.9e5, 1.95e5), (7.6e6, 7.65e6));
    let shape = MultiPolygon(vec![Polygon(vec![outer, hole])]);
    let footprint = Footprint::of_shape(&shape, 32701, &Utm::south(1)).unwrap();
    for stored in [&footprint.geog, &footprint.geom] {
        let holes: Vec<usize> = stored.0.iter().map(|part| part.0.len() - 1).collect();
        assert_eq!(holes, [0, 1], "{stored:?}");
        let (west, east) = ring::x_range(&stored.0[1].0[1].0);
        assert!(west > -180.0 && east < -179.9, "{stored:?}");
    }
    assert_eq!(footprint.shape, shape);
}

#[test]
fn the_area_of_a_search_is_cut_like_the_catalogue() {
    let extent = Extent {
        min: Point::new(2e7, -17e6),
        max: Point::new(2.1e7, 17e6),
    };
    let area = search_area(&extent, &WebMercator).unwrap();
    let found = spans(&area);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].1, found[1].0), (180., -180.));
}
