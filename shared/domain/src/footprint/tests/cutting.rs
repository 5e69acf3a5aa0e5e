//! Pieces between meridians.

use super::{closed, rectangle, spans};
use crate::footprint::{interiors_intersect, ring, split_geography, split_geometry, valid_shape};
use crate::{MultiPolygon, Polygon, Ring};
use proptest::prelude::*;

#[test]
fn wide_geographies_are_cut_every_90_degrees() {
    for ((west, east), pieces) in [
        ((-10., 80.), vec![(-10., 80.)]),
        ((0., 90.), vec![(0., 90.)]),
        ((0., 91.), vec![(0., 90.), (90., 91.)]),
        ((170., 190.), vec![(170., 180.), (-180., -170.)]),
        ((-190., -170.), vec![(170., 180.), (-180., -170.)]),
        (
            (-180., 180.),
            vec![(-180., -90.), (-90., 0.), (0., 90.), (90., 180.)],
        ),
        (
            (-179.5, 188.5),
            vec![
                (-179.5, -90.),
                (-90., 0.),
                (0., 90.),
                (90., 180.),
                (-180., -171.5),
            ],
        ),
        ((180., 190.), vec![(-180., -170.)]),
        ((170., 180.0 + 1e-12), vec![(170., 180.)]),
    ] {
        let cut = split_geography(&rectangle((west, east), (-10., 10.)).into()).unwrap();
        assert_eq!(spans(&cut), pieces, "{west} {east}");
        assert!(cut.0.iter().all(|part| part.0[0].0.len() == 5), "{cut:?}");
    }
}

#[test]
fn geographies_have_no_edge_from_pole_to_pole() {
    for ((west, east), pieces) in [((-180., 180.), 4), ((10., 20.), 1), ((170., 190.), 2)] {
        let globe = rectangle((west, east), (-90., 90.)).into();
        let cut = split_geography(&globe).unwrap();
        assert_eq!(cut.0.len(), pieces, "{cut:?}");
        for ring in cut.0.iter().map(|part| &part.0[0]) {
            let middles = ring.0.iter().filter(|point| point.y == 0.0).count();
            assert_eq!((ring.0.len(), middles), (7, 2), "{ring:?}");
        }
        // straight edges may be as long
        let cut = split_geometry(&globe).unwrap();
        assert!(cut.0.iter().all(|part| part.0[0].0.len() == 5), "{cut:?}");
    }
}

#[test]
fn geometries_are_cut_at_the_antimeridian_only() {
    for ((west, east), pieces) in [
        ((-180., 180.), vec![(-180., 180.)]),
        ((170., 190.), vec![(170., 180.), (-180., -170.)]),
        ((-190., -170.), vec![(170., 180.), (-180., -170.)]),
        ((-179.5, 188.5), vec![(-179.5, 180.), (-180., -171.5)]),
    ] {
        let cut = split_geometry(&rectangle((west, east), (-10., 10.)).into()).unwrap();
        assert_eq!(spans(&cut), pieces, "{west} {east}");
    }
}

#[test]
fn concave_shapes_and_holes_are_cut_into_valid_parts() {
    // a comb with two teeth over the meridian 180, and a hole on either side of it and over it
    let comb = closed(&[
        (170., 0.),
        (190., 0.),
        (190., 10.),
        (175., 10.),
        (175., 20.),
        (190., 20.),
        (190., 30.),
        (170., 30.),
    ]);
    let holes = [
        rectangle((171., 172.), (1., 2.)),
        rectangle((179., 181.), (3., 4.)),
        rectangle((185., 186.), (25., 26.)),
    ];
    let shape = MultiPolygon(vec![Polygon([vec![comb], holes.to_vec()].concat())]);
    let cut = split_geometry(&shape).unwrap();
    let holes: Vec<usize> = cut.0.iter().map(|part| part.0.len() - 1).collect();
    assert_eq!(spans(&cut), [(170., 180.), (-180., -170.), (-180., -170.)]);
    assert_eq!(holes, [1, 0, 1]);
    assert_eq!(doubled_area(&cut), doubled_area(&shape));
}

fn doubled_area(shape: &MultiPolygon) -> f64 {
    let area = |ring: &Ring| ring::doubled_area(ring).abs();
    let polygons = shape
        .0
        .iter()
        .map(|polygon| area(&polygon.0[0]) - polygon.0[1..].iter().map(area).sum::<f64>());
    polygons.sum()
}

/// A ring without self-crossings: one vertex for each direction from its centre.
fn star() -> impl Strategy<Value = Ring> {
    let radii = prop::collection::vec(1..40_i32, 3..12);
    (-200..200_i32, radii).prop_map(|(centre, radii)| {
        let step = std::f64::consts::TAU / radii.len() as f64;
        let vertex = |(index, radius): (usize, &i32)| {
            let angle = step * index as f64;
            let radius = f64::from(*radius) * 4.0;
            // rounded, so that vertices on the meridians of the cut are frequent
            (
                f64::from(centre) + (radius * angle.cos() / 10.0).round() * 10.0,
                (radius * angle.sin() / 10.0).round(),
            )
        };
        closed(&radii.iter().enumerate().map(vertex).collect::<Vec<_>>())
    })
}

proptest! {
    #[test]
    fn cutting_keeps_the_area_within_one_revolution(outline in star()) {
        let shape = MultiPolygon::from(outline);
        let (min, max) = shape.bounds().unwrap();
        prop_assume!(max.x - min.x <= 360.0);
        for cut in [split_geography(&shape).unwrap(), split_geometry(&shape).unwrap()] {
            let (area, expected) = (doubled_area(&cut), doubled_area(&shape));
            prop_assert!((area - expected).abs() < 1e-6, "{area} {expected} {cut:?}");
            for point in cut.points() {
                prop_assert!(point.x.abs() <= 180.0 || shape.points().any(|p| p == point));
            }
            for ring in cut.0.iter().flat_map(|part| &part.0) {
                prop_assert!(ring.0.len() >= 4 && ring.0.first() == ring.0.last());
            }
        }
    }

    #[test]
    fn crossing_rings_are_cut_without_panic(
        vertices in prop::collection::vec((-40..40_i32, -9..9_i32), 3..15),
    ) {
        let vertices: Vec<(f64, f64)> = vertices
            .into_iter()
            .map(|(x, y)| (f64::from(x) * 90.0, f64::from(y) * 10.0))
            .collect();
        let shape = MultiPolygon::from(closed(&vertices));
        prop_assert!(split_geography(&shape).is_ok());
        prop_assert!(split_geometry(&shape).is_ok());
        prop_assert!(valid_shape(std::slice::from_ref(&shape), &rectangle((0., 90.), (0., 10.))).is_none_or(
            |valid| !valid.0.is_empty()
        ));
        interiors_intersect(&shape, &rectangle((0., 90.), (0., 10.)));
    }
}
