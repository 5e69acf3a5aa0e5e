//! Shapes of one reference system.

use super::{closed, rectangle};
use crate::footprint::{interiors_intersect, valid_shape};
use crate::{MultiPolygon, Point, Polygon, Ring};
use proptest::prelude::*;

#[test]
fn valid_shapes_have_the_coordinates_of_their_sources() {
    let cell = rectangle((453120.1, 499520.7), (5334400.3, 5338560.9));
    let west = rectangle((450000.123456789, 470000.1), (5330000.7, 5337000.987654321));
    let east = rectangle((460000.7, 600000.), (5336000.1, 5400000.));
    let shapes: [MultiPolygon; 2] = [west.into(), east.into()];
    let shape = valid_shape(&shapes, &cell).unwrap();
    assert_eq!(shape.0.len(), 1);
    let mut found: Vec<(f64, f64)> = shape.points().skip(1).map(|p| (p.x, p.y)).collect();
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(
        found,
        [
            (453120.1, 5334400.3),
            (453120.1, 5337000.987654321),
            (460000.7, 5337000.987654321),
            (460000.7, 5338560.9),
            (470000.1, 5334400.3),
            (470000.1, 5336000.1),
            (499520.7, 5336000.1),
            (499520.7, 5338560.9),
        ]
    );
}

#[test]
fn equal_shapes_and_cells_are_returned_unchanged() {
    let cell = rectangle((706560., 737280.), (4915200., 4945920.));
    let reversed = Ring(cell.0.iter().rev().copied().collect());
    let shapes: [MultiPolygon; 2] = [cell.clone().into(), reversed.into()];
    let shape = valid_shape(&shapes, &cell).unwrap();
    assert_eq!(shape.bounds(), MultiPolygon::from(cell).bounds());
    assert_eq!(shape.points().count(), 5);
}

#[test]
fn nothing_is_valid_where_shapes_only_touch_the_cell() {
    let cell = rectangle((0., 10.), (0., 10.));
    let neighbours: Vec<MultiPolygon> = vec![
        rectangle((10., 20.), (0., 10.)).into(),
        rectangle((10., 20.), (10., 20.)).into(),
        rectangle((-5., 0.), (2., 3.)).into(),
        rectangle((100., 101.), (0., 1.)).into(),
    ];
    assert_eq!(valid_shape(&neighbours, &cell), None);
    assert_eq!(valid_shape(&[], &cell), None);
    assert_eq!(
        valid_shape(&[MultiPolygon(vec![Polygon(vec![])])], &cell),
        None
    );
    for neighbour in &neighbours {
        assert!(!interiors_intersect(neighbour, &cell), "{neighbour:?}");
    }
    let nan = rectangle((f64::NAN, 5.), (0., 5.)).into();
    assert!(!interiors_intersect(&nan, &cell));
    assert_eq!(valid_shape(&[nan], &cell), None);
}

#[test]
fn interiors_intersect_when_one_shape_holds_or_crosses_the_other() {
    let cell = rectangle((0., 10.), (0., 10.));
    for shape in [
        rectangle((0., 10.), (0., 10.)),
        rectangle((2., 3.), (2., 3.)),
        rectangle((-5., 50.), (-5., 50.)),
        rectangle((9.999, 20.), (0., 10.)),
        closed(&[(9., -5.), (15., 1.), (9., 1.)]),
    ] {
        assert!(interiors_intersect(&shape.into(), &cell));
    }
    let frame = Polygon(vec![
        rectangle((-5., 15.), (-5., 15.)),
        rectangle((0., 10.), (0., 10.)),
    ]);
    assert!(!interiors_intersect(&MultiPolygon(vec![frame]), &cell));
}

proptest! {
    #[test]
    fn a_shape_is_valid_where_interiors_intersect(
        rectangles in prop::collection::vec((0..20_i32, 0..20_i32, 1..9_i32, 1..9_i32), 1..6),
    ) {
        let coordinate = |value: i32| f64::from(value) * 0.1 + 453120.3;
        let cell = rectangle(
            (coordinate(5), coordinate(15)),
            (coordinate(5), coordinate(15)),
        );
        let shapes: Vec<MultiPolygon> = rectangles
            .into_iter()
            .map(|(x, y, w, h)| {
                let x = (coordinate(x), coordinate(x + w));
                rectangle(x, (coordinate(y), coordinate(y + h))).into()
            })
            .collect();
        let expected = shapes.iter().any(|shape| interiors_intersect(shape, &cell));
        let valid = valid_shape(&shapes, &cell);
        prop_assert_eq!(valid.is_some(), expected);
        for point in valid.iter().flat_map(MultiPolygon::points) {
            let known = |pick: fn(&Point) -> f64| {
                shapes
                    .iter()
                    .flat_map(MultiPolygon::points)
                    .chain(&cell.0)
                    .any(|source| pick(source) == pick(point))
            };
            prop_assert!(known(|p| p.x) && known(|p| p.y), "{:?}", point);
        }
    }
}
