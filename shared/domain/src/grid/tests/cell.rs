//! Outlines and URIs of cells.

use super::{REGULAR, SINGLE, covers, plain, rectangle, uris, with};
use crate::footprint::test_projections::{LonLat, Utm};
use crate::grid::RingSet;
use crate::{Point, Ring};

#[test]
fn a_cell_has_an_outline_in_both_systems() {
    let grid = plain(&REGULAR);
    let cell = grid.cell_from_uri("23/-161", 32631).unwrap();
    assert_eq!(cell.transform.0, [706560., 30., 0., 4945920., 0., -30.]);
    let expected = [
        (5.5921255873, 44.360661416),
        (5.6044034715, 44.6369401725),
        (5.9912432179, 44.627456173),
        (5.9771478208, 44.3512678315),
        (5.5921255873, 44.360661416),
    ];
    assert_ring(&cell.geographic_ring(&Utm::north(31)).unwrap(), &expected);
    assert_eq!(cell.ring_in_crs().0[0], Point::new(706560., 4915200.));
}

#[test]
fn a_single_cell_is_rebuilt_from_its_uri_alone() {
    let uri = "720298.429720/5000366.394350/6590/6914";
    let cell = plain(&SINGLE).cell_from_uri(uri, 32631).unwrap();
    let expected = [
        (5.771142340276, 44.500735020838),
        (5.801096927991, 45.12241193432),
        (6.637518180705, 45.098809626962),
        (6.598660882864, 44.47763583486),
        (5.771142340276, 44.500735020838),
    ];
    assert_ring(&cell.geographic_ring(&Utm::north(31)).unwrap(), &expected);
}

#[test]
fn coordinates_in_uris_are_short_and_without_exponent() {
    let grid = plain(&with(&SINGLE, &[("resolution", "1e-7")]));
    for (west, uri) in [
        (0.0, "0/1/10/10"),
        (-0.0, "0/1/10/10"),
        (1e-7, "0.0000001/1/10/10"),
    ] {
        let area = rectangle((west, west + 1e-6), (1.0 - 1e-6, 1.0)).into();
        let cells = covers(&grid, &area, &LonLat);
        assert_eq!(uris(&cells), [uri]);
    }
}

#[test]
fn malformed_cell_uris_are_refused() {
    let single = plain(&SINGLE);
    let regular = plain(&REGULAR);
    for uri in [
        "a/b",
        "12",
        "",
        "/",
        "1/",
        "1/2/3",
        "1.5/2",
        "99999999999/1",
    ] {
        let text = regular.cell_from_uri(uri, 0).unwrap_err().to_string();
        assert!(text.starts_with("invalid RegularGrid: cell uri"), "{text}");
    }
    for uri in [
        "a/b",
        "12",
        "1/2/3",
        "1/2/0/3",
        "1/2/3/-1",
        "nan/1/1/1",
        "1/inf/1/1",
        "1/2/3/4/5",
    ] {
        let text = single.cell_from_uri(uri, 0).unwrap_err().to_string();
        assert!(
            text.starts_with("invalid SingleCellGrid: cell uri"),
            "{text}"
        );
    }
}

#[test]
fn neighbours_share_their_corners_and_far_cells_are_exact() {
    let odd = with(
        &REGULAR,
        &[("resolution", "0.1"), ("ox", "0.3"), ("cell_size", "333")],
    );
    let grid = plain(&odd);
    // one rounding: equal to the exact sum of 0.3 and 0.1 * 333 * i, rounded to a double
    for (i, left) in [
        (1, 33.6),
        (1000, 33300.3),
        (123_456_789, 4_111_111_074.000_000_3),
    ] {
        let cell = grid.cell_from_uri(&format!("{i}/0"), 0).unwrap();
        assert!(
            (cell.transform.0[0] - left).abs() <= left * f64::EPSILON,
            "{i}"
        );
        let next = grid.cell_from_uri(&format!("{}/0", i + 1), 0).unwrap();
        let corner = cell.transform.apply(333., 0.).x;
        assert!((corner - next.transform.0[0]).abs() <= left * f64::EPSILON);
    }
}

#[test]
fn equal_outlines_are_found() {
    let mut seen = RingSet::default();
    let ring = rectangle((0., 1.), (0., 1.));
    assert!(seen.insert(&ring));
    assert!(!seen.insert(&ring.clone()));
    assert!(seen.insert(&rectangle((0., 1.), (0., 1.0 + f64::EPSILON))));
}

#[track_caller]
fn assert_ring(ring: &Ring, expected: &[(f64, f64)]) {
    assert_eq!(ring.0.len(), expected.len());
    for (point, (x, y)) in ring.0.iter().zip(expected) {
        assert!(
            (point.x - x).abs() < 1e-9 && (point.y - y).abs() < 1e-9,
            "{point:?} instead of {x} {y}"
        );
    }
}
