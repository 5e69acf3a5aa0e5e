//! Parameters, covers and URIs of grids.

use super::sweep::sweep;
use super::{Cell, Grid, GridSpec, RingSet, Tiling, check_cell_ids, check_grid_name};
use crate::footprint::test_projections::{Constant, LonLat, NorthPole, Utm};
use crate::footprint::{Edges, Project, project_ring};
use crate::{Error, MultiPolygon, Point, Polygon, Ring, Size};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MANY: usize = 1_000_000;

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn parse(pairs: &[(&str, &str)]) -> crate::Result<GridSpec> {
    GridSpec::parse(&parameters(pairs))
}

#[track_caller]
fn plain(pairs: &[(&str, &str)]) -> Grid {
    match parse(pairs).unwrap() {
        GridSpec::Plain(grid) => grid,
        GridSpec::Custom(grid) => panic!("{grid:?}"),
    }
}

const REGULAR: [(&str, &str); 4] = [
    ("grid", "Regular"),
    ("crs", "EPSG:32631"),
    ("cell_size", "1024"),
    ("resolution", "30"),
];

const SINGLE: [(&str, &str); 3] = [
    ("grid", "singleCell"),
    ("crs", "32631"),
    ("resolution", "10"),
];

/// `base` with some parameters set.
fn with<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [base, more].concat()
}

fn rectangle(x: (f64, f64), y: (f64, f64)) -> Ring {
    Ring::rectangle(Point::new(x.0, y.0), Point::new(x.1, y.1))
}

fn alps() -> MultiPolygon {
    rectangle((5.8, 6.6), (44.5, 45.1)).into()
}

fn covers(grid: &Grid, area: &MultiPolygon, projection: &dyn Project) -> Vec<Cell> {
    grid.covers(area, 32631, projection, MANY).unwrap()
}

fn uris(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(|cell| cell.uri.as_str()).collect()
}

#[test]
fn an_area_is_covered_row_by_row_from_the_north_west() {
    let utm = Utm::north(31);
    let cells = covers(&plain(&REGULAR), &alps(), &utm);
    assert_eq!(
        uris(&cells),
        [
            "23/-163", "24/-163", "25/-163", "23/-162", "24/-162", "25/-162", "23/-161", "24/-161",
            "25/-161"
        ]
    );
    let first = &cells[0];
    assert_eq!(first.transform.0, [706560., 30., 0., 5007360., 0., -30.]);
    assert_eq!(
        first.size,
        Size {
            width: 1024,
            height: 1024
        }
    );
    assert_eq!((&*first.crs, first.srid), ("EPSG:32631", 32631));

    let shifted = with(&REGULAR, &[("ox", "720298"), ("oy", "4997873")]);
    let cells = covers(&plain(&shifted), &alps(), &utm);
    let expected: Vec<String> = (-1..=2)
        .flat_map(|j| (0..=2).map(move |i| format!("{i}/{j}")))
        .collect();
    assert_eq!(uris(&cells), expected);
}

#[test]
fn fine_cells_cover_the_same_area() {
    let fine = [
        ("grid", "regular"),
        ("crs", "32631"),
        ("cell_x_size", "150"),
        ("cell_y_size", "150"),
        ("resolution", "10"),
    ];
    let single_precision = rectangle(
        (f64::from(5.8_f32), f64::from(6.6_f32)),
        (f64::from(44.5_f32), f64::from(45.1_f32)),
    );
    for area in [alps(), single_precision.into()] {
        let cells = covers(&plain(&fine), &area, &Utm::north(31));
        assert_eq!(cells.len(), 1971);
    }
}

#[test]
fn a_memory_limit_bounds_the_scanned_window() {
    let covers = |limit| {
        plain(&with(&REGULAR, &[("memory_limit", limit)])).covers(
            &alps(),
            32631,
            &Utm::north(31),
            MANY,
        )
    };
    let text = "Covers: Not enough memory (needed:50, provided:10)";
    assert_eq!(covers("10").unwrap_err().to_string(), text);
    assert_eq!(covers("60").unwrap().len(), 9);
    assert_eq!(covers("50").unwrap().len(), 9);

    let Tiling::Regular(tiling) = plain(&REGULAR).tiling.with_memory_limit(10) else {
        unreachable!("the tiling is regular");
    };
    assert_eq!(tiling.memory_limit, Some(10));
    assert_eq!(
        Tiling::Regular(tiling).with_memory_limit(20),
        Tiling::Regular(tiling)
    );
}

#[test]
fn cells_beyond_the_bound_are_refused() {
    let grid = plain(&REGULAR);
    let utm = Utm::north(31);
    assert!(grid.covers(&alps(), 32631, &utm, 9).is_ok());
    let error = grid.covers(&alps(), 32631, &utm, 8).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(_)), "{error:?}");

    let tiny = plain(&with(
        &REGULAR,
        &[("cell_size", "1"), ("resolution", "0.01")],
    ));
    let error = tiny.covers(&alps(), 32631, &utm, MANY).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(_)), "{error:?}");
    let tiny = plain(&with(
        &REGULAR,
        &[("cell_size", "1"), ("resolution", "1e-9")],
    ));
    assert!(matches!(
        tiny.covers(&alps(), 32631, &utm, MANY),
        Err(Error::Invalid(_))
    ));
}

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

#[test]
fn a_single_cell_holds_the_whole_area() {
    let cells = covers(&plain(&SINGLE), &alps(), &Utm::north(31));
    let [cell] = cells.as_slice() else {
        panic!("{cells:?}");
    };
    let parts: Vec<f64> = cell
        .uri
        .split('/')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!((parts[0] - 720298.4297198909).abs() < 1e-6, "{}", cell.uri);
    assert!((parts[1] - 5000366.394349512).abs() < 1e-6, "{}", cell.uri);
    assert_eq!(parts[2..], [6590., 6914.]);
    assert_eq!(
        cell.size,
        Size {
            width: 6590,
            height: 6914
        }
    );
    assert_eq!(
        plain(&SINGLE).cell_from_uri(&cell.uri, 32631).unwrap(),
        *cell
    );
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
fn wrong_parameters_are_named() {
    for (base, key, wrong) in [
        (
            &REGULAR[..],
            "cell_size",
            &["0", "65537", "-1", "1.5", "x", "", "1e3"][..],
        ),
        (
            &REGULAR[..],
            "resolution",
            &["0", "-1", "nan", "inf", "1e-320", "x", "", "1e300"][..],
        ),
        (&REGULAR[..], "ox", &["nan", "-inf", "x", "1e300"][..]),
        (&REGULAR[..], "oy", &["nan", "inf", ""][..]),
        (&REGULAR[..], "memory_limit", &["-1", "x", "1.5"][..]),
        (&REGULAR[..], "crs", &["", "  "][..]),
        (
            &SINGLE[..],
            "resolution",
            &["0", "-1", "NaN", "infinity", "x"][..],
        ),
        (&SINGLE[..], "crs", &[""][..]),
    ] {
        let label = if base.len() == 4 {
            "RegularGrid"
        } else {
            "SingleCellGrid"
        };
        for value in wrong {
            let text = parse(&with(base, &[(key, value)])).unwrap_err().to_string();
            assert!(
                text.starts_with(&format!("invalid {label}: {key} must be")),
                "{text}"
            );
            assert!(text.ends_with(&format!("found {value:?}")), "{text}");
        }
    }
}

#[test]
fn missing_parameters_are_named() {
    assert_eq!(
        parse(&[]).unwrap_err().to_string(),
        "missing 'grid' in parameters"
    );
    for (base, missing, text) in [
        (
            &REGULAR[..],
            "crs",
            "invalid RegularGrid: missing 'crs' in parameters",
        ),
        (
            &REGULAR[..],
            "resolution",
            "invalid RegularGrid: missing 'resolution' in parameters",
        ),
        (
            &REGULAR[..],
            "cell_size",
            "invalid RegularGrid: missing 'cell_x_size' in parameters",
        ),
        (
            &SINGLE[..],
            "crs",
            "invalid SingleCellGrid: missing 'crs' in parameters",
        ),
        (
            &SINGLE[..],
            "resolution",
            "invalid SingleCellGrid: missing 'resolution' in parameters",
        ),
    ] {
        let rest: Vec<_> = base
            .iter()
            .copied()
            .filter(|(key, _)| *key != missing)
            .collect();
        assert_eq!(parse(&rest).unwrap_err().to_string(), text);
    }
    let square_wins = plain(&with(
        &REGULAR,
        &[("cell_x_size", "7"), ("cell_y_size", "x")],
    ));
    let Tiling::Regular(tiling) = square_wins.tiling else {
        panic!("{square_wins:?}");
    };
    assert_eq!(
        tiling.cell_size,
        Size {
            width: 1024,
            height: 1024
        }
    );
    assert_eq!((tiling.ox, tiling.oy, tiling.memory_limit), (0., 0., None));
}

#[test]
fn stored_grids_cut_their_cells_by_another_grid() {
    let stored = parse(&[("grid", "Europe"), ("resolution", "10")]).unwrap();
    let GridSpec::Custom(grid) = stored else {
        panic!("{stored:?}");
    };
    assert_eq!(grid.name, "Europe");
    let sub_grid = grid.grid_in("EPSG:32631");
    assert_eq!(sub_grid, plain(&with(&SINGLE, &[("crs", "EPSG:32631")])));
    let cell = covers(&sub_grid, &alps(), &Utm::north(31)).remove(0);
    let uri = cell.uri.clone();
    let cell = grid.cell_within("31/T", cell);
    assert_eq!(cell.uri, format!("31/T/{uri}"));
    assert_eq!(grid.split_uri(&cell.uri).unwrap(), ("31/T", uri.as_str()));

    let regular = parse(&[
        ("grid", "Europe"),
        ("subgrid", "REGULAR"),
        ("cell_size", "10"),
        ("resolution", "1"),
    ]);
    let Ok(GridSpec::Custom(grid)) = regular else {
        panic!("{regular:?}");
    };
    assert_eq!(grid.split_uri("a/b/1/-2").unwrap(), ("a/b", "1/-2"));
    for uri in ["1/2", "", "/1/2", "a b/1/2", "x"] {
        assert!(grid.split_uri(uri).is_err(), "{uri}");
    }

    for (more, text) in [
        (
            ("subgrid", "custom"),
            "invalid subgrid: \"custom\", expected 'regular' or 'singlecell'",
        ),
        (
            ("subgrid", "regular"),
            "invalid RegularGrid: missing 'cell_x_size' in parameters",
        ),
        (
            ("resolution", "x"),
            "invalid SingleCellGrid: resolution must be a positive number of at most 1e12, found \"x\"",
        ),
    ] {
        let pairs = with(&[("grid", "Europe"), ("resolution", "10")], &[more]);
        assert_eq!(parse(&pairs).unwrap_err().to_string(), text);
    }
    assert!(parse(&[("grid", "a/b"), ("resolution", "10")]).is_err());
    assert!(parse(&[("grid", ""), ("resolution", "10")]).is_err());
}

#[test]
fn names_of_stored_grids_and_cells_are_checked() {
    assert!(check_grid_name("g1").is_ok());
    for name in ["g/3", "Regular", "SINGLECELL", "", "a b"] {
        assert!(check_grid_name(name).is_err(), "{name}");
    }
    assert!(check_cell_ids(["a", "b/c"]).is_ok());
    assert!(check_cell_ids(["a b"]).is_err());
    let text = check_cell_ids(["a", "b", "a"]).unwrap_err().to_string();
    assert_eq!(text, "Duplicate cell-id:a");
}

#[test]
fn areas_without_points_or_images_are_refused() {
    let utm = Utm::north(31);
    for grid in [plain(&REGULAR), plain(&SINGLE)] {
        for empty in [
            MultiPolygon(vec![]),
            MultiPolygon(vec![Polygon(vec![])]),
            MultiPolygon(vec![Polygon(vec![Ring(vec![])])]),
        ] {
            let text = grid.covers(&empty, 0, &utm, MANY).unwrap_err().to_string();
            assert_eq!(text, "Covers: empty AOI");
        }
        for lost in [f64::NAN, f64::INFINITY, 1e300] {
            let projection = Constant(Point::new(lost, 0.));
            let found = grid.covers(&alps(), 0, &projection, MANY);
            assert!(
                matches!(found, Err(Error::Invalid(_))) || lost == 1e300,
                "{found:?}"
            );
        }
        let far = Constant(Point::new(1e300, 0.));
        let found = grid.covers(&alps(), 0, &far, MANY);
        assert!(found.is_ok_and(|cells| cells.len() == 1) || grid == plain(&REGULAR));
    }
}

#[test]
fn edges_of_the_area_are_followed_between_their_vertices() {
    // seen from above the pole, the parallel 60 N is a circle and the area is half a disk
    let area = rectangle((-90., 90.), (60., 90.)).into();
    let cells = covers(&plain(&SINGLE), &area, &NorthPole);
    let radius = -NorthPole.from_lonlat(&[Point::new(0., 60.)]).unwrap()[0].y;
    let size = cells[0].size;
    assert!(
        (f64::from(size.width) * 10. - 2. * radius).abs() < 20.,
        "{size:?}"
    );
    assert!(
        (f64::from(size.height) * 10. - radius).abs() < 20.,
        "{size:?} {radius}"
    );
}

#[test]
fn an_area_equal_to_a_cell_is_covered_by_this_cell_alone() {
    let degrees = [
        ("grid", "regular"),
        ("crs", "4326"),
        ("cell_size", "100"),
        ("resolution", "0.01"),
    ];
    let grid = plain(&degrees);
    for (area, expected) in [
        (rectangle((5., 6.), (44., 45.)), vec!["5/-45"]),
        (rectangle((5., 7.), (44., 45.)), vec!["5/-45", "6/-45"]),
        (rectangle((5.5, 5.5), (44.5, 44.5)), vec!["5/-45"]),
        (rectangle((5., 5.), (44., 44.)), vec!["5/-44"]),
        (
            rectangle((-0.5, 0.5), (-0.5, 0.5)),
            vec!["-1/-1", "0/-1", "-1/0", "0/0"],
        ),
    ] {
        assert_eq!(uris(&covers(&grid, &area.into(), &LonLat)), expected);
    }
}

#[test]
fn a_cell_of_a_projected_grid_covers_itself() {
    let grid = plain(&REGULAR);
    let utm = Utm::north(31);
    let cell = grid.cell_from_uri("23/-161", 32631).unwrap();
    let outline = project_ring(&cell.ring_in_crs(), &utm, Edges::Straight).unwrap();
    let cells = covers(&grid, &outline.into(), &utm);
    assert!(cells.contains(&cell), "{cells:?}");
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

#[test]
fn parts_far_apart_and_holes_are_swept() {
    let frame = Polygon(vec![
        rectangle((0.5, 4.5), (0.5, 4.5)),
        rectangle((1.5, 3.5), (1.5, 3.5)),
    ]);
    let far = Polygon(vec![rectangle((0., 1.), (2e9, 2e9 + 1.))]);
    let cells = sweep(&MultiPolygon(vec![frame, far]), 30).unwrap();
    assert_eq!(cells.len(), 25);
    assert!(!cells.contains(&(2, 2)));
    assert_eq!(cells.last(), Some(&(0, 2_000_000_000)));
}

proptest! {
    /// The cells of a triangle, found by clipping it to each cell of a small window.
    #[test]
    fn the_sweep_finds_exactly_the_overlapped_squares(
        // quarters make borders frequent
        corners in prop::array::uniform3((-12..12_i32, -12..12_i32)),
        hole in prop::option::of((-8..8_i32, -8..8_i32)),
    ) {
        let vertex = |(x, y): (i32, i32)| Point::new(f64::from(x) / 4.0, f64::from(y) / 4.0);
        let [a, b, c] = corners.map(vertex);
        let area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
        prop_assume!(area.abs() > 1e-3);
        let mut parts = vec![Polygon(vec![Ring(vec![a, b, c, a])])];
        parts.extend(hole.map(|corner| {
            let min = vertex(corner);
            Polygon(vec![Ring::rectangle(min, Point::new(min.x + 0.75, min.y + 0.5))])
        }));
        let shape = MultiPolygon(parts);
        let mut expected = Vec::new();
        for row in -5..5 {
            for column in -5..5 {
                let square = rectangle(
                    (f64::from(column), f64::from(column + 1)),
                    (f64::from(row), f64::from(row + 1)),
                );
                if crate::footprint::interiors_intersect(&shape, &square) {
                    expected.push((column, row));
                }
            }
        }
        prop_assert_eq!(sweep(&shape, 1000).unwrap(), expected);
    }

    /// Nothing that a caller can write makes the parser panic, and what it accepts has finite cells.
    #[test]
    fn any_parameters_are_parsed_or_refused(
        values in prop::collection::btree_map(
            prop::sample::select(vec![
                "grid", "crs", "cell_size", "cell_x_size", "cell_y_size", "resolution", "ox", "oy",
                "memory_limit", "subgrid",
            ]).prop_map(str::to_owned),
            prop_oneof![
                Just("regular".to_owned()), Just("singlecell".to_owned()), Just("4326".to_owned()),
                "[-+0-9.eE]{0,6}", any::<f64>().prop_map(|v| v.to_string()), ".{0,5}",
            ],
            0..10,
        ),
        i in any::<i32>(),
        j in any::<i32>(),
    ) {
        if let Ok(GridSpec::Plain(grid)) = GridSpec::parse(&values)
            && let Ok(cell) = grid.cell_from_uri(&format!("{i}/{j}"), 0)
        {
            prop_assert!(cell.transform.0.iter().all(|value| value.is_finite()));
        }
    }
}
