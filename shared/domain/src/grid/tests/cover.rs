//! Cells of an area.

use super::{Cell, MANY, REGULAR, SINGLE, alps, covers, parse, plain, rectangle, uris, with};
use crate::footprint::test_projections::{Constant, LonLat, NorthPole, Utm};
use crate::footprint::{Edges, Project, interiors_intersect, project_ring};
use crate::grid::Tiling;
use crate::grid::sweep::sweep;
use crate::{Error, MultiPolygon, Point, Polygon, Ring, Size};
use proptest::prelude::*;

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
fn a_single_cell_is_the_same_when_its_borders_moved_by_part_of_a_pixel() {
    let spec = parse(&SINGLE).unwrap();
    let custom = parse(&[("grid", "zones"), ("resolution", "10")]).unwrap();
    let cell = plain(&SINGLE)
        .cell_from_uri("1000.25/2000.5/100/50", 32631)
        .unwrap();
    let within = Cell {
        uri: format!("a/b/{}", cell.uri),
        ..cell.clone()
    };
    for (uri, same) in [
        ("1000.25/2000.5/100/50", true),
        ("1009.5/1991/101/49", true),
        ("1010.25/2000.5/100/50", false),
        ("1000.25/1990.5/100/50", false),
        ("1000.25/2000.5/102/50", false),
        ("1000.25/2000.5/100/48", false),
        ("3/-7", false),
    ] {
        let found = spec.same_cell(&cell, ["x", uri]);
        assert_eq!(found.is_some(), same, "{uri}");
        assert!(found.is_none_or(|found| found.uri == uri));
        let stored = format!("a/b/{uri}");
        let found = custom.same_cell(&within, [stored.as_str()]);
        assert_eq!(found.is_some(), same, "{stored}");
        assert!(found.is_none_or(|found| found.uri == stored && found.srid == 32631));
        let other = format!("a/c/{uri}");
        assert_eq!(custom.same_cell(&within, [other.as_str()]), None);
    }
    // cells that do not depend on the area are never exchanged
    let regular = parse(&REGULAR).unwrap();
    assert_eq!(regular.same_cell(&cell, [cell.uri.as_str()]), None);
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
    let column = rectangle((0., 1.), (0., 5.)).into();
    assert_eq!(sweep(&column, 5).unwrap().len(), 5);
    assert!(sweep(&column, 4).is_err());

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
        for hostile in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut area = alps();
            area.0[0].0[0].0[2].x = hostile;
            let text = grid
                .covers(&area, 0, &LonLat, MANY)
                .unwrap_err()
                .to_string();
            assert!(
                text.starts_with("Covers: AOI coordinates must be finite"),
                "{text}"
            );
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

#[test]
fn an_outline_that_runs_up_and_down_without_end_is_refused_soon() {
    let zigzag = (0..20_000).map(|n| Point::new(f64::from(n) * 1e-5, f64::from(n % 2) * 1e5));
    let ring = Ring(zigzag.chain([Point::new(0., 0.)]).collect());
    let start = std::time::Instant::now();
    let error = sweep(&ring.into(), MANY).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(_)), "{error:?}");
    assert!(start.elapsed().as_secs() < 30);
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
                if interiors_intersect(&shape, &square) {
                    expected.push((column, row));
                }
            }
        }
        prop_assert_eq!(sweep(&shape, 1000).unwrap(), expected);
    }
}
