//! Outlines of rasters on the globe.

use super::test_projections::{Constant, LonLat, NorthPole, Utm, WebMercator};
use super::{
    Edges, Footprint, Project, interiors_intersect, project_ring, search_area, split_geography,
    split_geometry, valid_shape,
};
use crate::{Extent, MultiPolygon, Point, Polygon, Result, Ring};
use Edges::{GreatCircle, Straight};
use proptest::prelude::*;

fn ring(points: &[(f64, f64)]) -> Ring {
    let mut points: Vec<Point> = points.iter().map(|(x, y)| Point::new(*x, *y)).collect();
    points.push(points[0]);
    Ring(points)
}

fn rectangle(x: (f64, f64), y: (f64, f64)) -> Ring {
    Ring::rectangle(Point::new(x.0, y.0), Point::new(x.1, y.1))
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

/// Longitudes along the north edge (the second one) in order.
fn horizontal(ring: &Ring) -> Vec<f64> {
    let inserted = (ring.0.len() - 5) / 2;
    ring.0[1..3 + inserted].iter().map(|p| p.x).collect()
}

#[test]
fn edges_are_followed_over_the_antimeridian() {
    type Case<'a> = (&'a dyn Project, (f64, f64), f64, &'a [f64]);
    let cases: [Case; 4] = [
        (
            &WebMercator,
            (2e7, 2.1e7),
            17e6,
            &[179.6630568239, 184.1546332445, 188.646209665],
        ),
        (
            &WebMercator,
            (-2.1e7, -2e7),
            17e6,
            &[171.3537903349, 175.8453667554, 180.336943176],
        ),
        (&LonLat, (170., 190.), 85., &[170., 175., 180., 185., 190.]),
        (
            &LonLat,
            (-190., -170.),
            85.,
            &[-190., -185., -180., -175., -170.],
        ),
    ];
    for (projection, x, y, longitudes) in cases {
        let projected = project_ring(&rectangle(x, (-y, y)), projection, GreatCircle).unwrap();
        let found = horizontal(&projected);
        assert_eq!(found.len(), longitudes.len(), "{projected:?}");
        for (found, expected) in found.iter().zip(longitudes) {
            assert!((found - expected).abs() < 1e-9, "{projected:?}");
        }
    }
}

#[test]
fn edges_wider_than_half_the_globe_are_followed() {
    type Case<'a> = (&'a dyn Project, (f64, f64), f64, f64, f64);
    let cases: [Case; 3] = [
        (
            &WebMercator,
            (-2e7, 2e7),
            17e6,
            -179.6630568239,
            22.4578821029,
        ),
        (
            &WebMercator,
            (-2e7, 2.1e7),
            17e6,
            -179.6630568239,
            23.0193291556,
        ),
        (&LonLat, (-180., 180.), 85., -180., 22.5),
    ];
    for (projection, x, y, first, step) in cases {
        let projected = project_ring(&rectangle(x, (-y, y)), projection, GreatCircle).unwrap();
        assert_eq!(projected.0.len(), 35);
        for (index, longitude) in horizontal(&projected).iter().enumerate() {
            let expected = first + step * index as f64;
            assert!((longitude - expected).abs() < 2e-9, "{projected:?}");
        }
    }
}

#[test]
fn a_small_raster_over_the_antimeridian_keeps_its_corners() {
    let outline = rectangle((1e5, 2e5), (7.59e6, 7.7e6));
    for edges in [GreatCircle, Straight] {
        let projected = project_ring(&outline, &Utm::south(1), edges).unwrap();
        let expected = [
            (179.1337407477, -21.7485383988),
            (179.1595683063, -20.7569050097),
            (180.1186085085, -20.7756874907),
            (180.099204994, -21.7683053952),
            (179.1337407477, -21.7485383988),
        ];
        assert_points(&projected, &expected, 1e-9);
    }
}

#[test]
fn oblique_edges_are_followed_as_far_as_needed() {
    let utm = Utm::north(30);
    let small = ring(&[
        (852835., 4842077.),
        (863531., 4840218.),
        (860880., 4833605.),
        (852499., 4833757.),
    ]);
    for edges in [GreatCircle, Straight] {
        assert_eq!(project_ring(&small, &utm, edges).unwrap().0.len(), 5);
    }

    let large = ring(&[
        (-482825., 6270337.),
        (1804924., 6565717.),
        (1943927., 3258617.),
        (-1397924., 4144758.),
    ]);
    let (v1, v2, v3, v4) = (
        (-18.6589500447, 55.5717247712),
        (18.8933700305, 57.3089394327),
        (11.687050876, 28.6447766088),
        (-23.8080285249, 35.5934006955),
    );
    let middle = (13.8758726411, 43.0985332899);
    let projected = project_ring(&large, &utm, GreatCircle).unwrap();
    assert_points(&projected, &[v1, v2, middle, v3, v4, v1], 1e-9);

    let expected = [
        v1,
        (-9.780684372, 57.0570806582),
        (-0.2844043048, 57.8750016704),
        (9.4293266259, 57.9582583598),
        v2,
        (15.8588958013, 50.2514607156),
        middle,
        v3,
        (3.3873712765, 31.2967351697),
        (-5.4416159258, 33.4305721863),
        (-14.6007434613, 34.8931312419),
        v4,
        v1,
    ];
    let projected = project_ring(&large, &utm, Straight).unwrap();
    assert_points(&projected, &expected, 1e-9);
}

#[test]
fn an_edge_three_quarters_around_the_globe_has_continuous_longitudes() {
    let outline = rectangle((2e7, 5e7), (-1e6, 1e6));
    let projected = project_ring(&outline, &WebMercator, Straight).unwrap();
    assert_points(
        &projected,
        &[
            (179.6630568239, -8.9465738505),
            (179.6630568239, 8.9465738505),
            (449.1576420598, 8.9465738505),
            (449.1576420598, -8.9465738505),
            (179.6630568239, -8.9465738505),
        ],
        1e-8,
    );
}

#[test]
fn an_oblique_edge_around_the_globe_turns_the_right_way() {
    // the first edge runs 270 degrees to the east while it climbs
    let outline = ring(&[(1.5e7, -3e6), (4.5e7, 3e6), (4.5e7, 4e6), (1.5e7, -2e6)]);
    let projected = project_ring(&outline, &WebMercator, Straight).unwrap();
    let (west, east) = super::ring::x_range(&projected.0);
    assert!((west - 134.74729261792824).abs() < 1e-9, "{projected:?}");
    assert!((east - 404.2418778537847).abs() < 1e-9, "{projected:?}");
}

#[test]
fn a_ring_around_a_pole_is_closed_over_the_pole() {
    let outline = rectangle((-1e6, 1e6), (-1e6, 1e6));
    let footprint = Footprint::of_shape(&outline.into(), 3413, &NorthPole).unwrap();
    for shape in [&footprint.geog, &footprint.geom] {
        let (min, max) = shape.bounds().unwrap();
        assert_eq!((min.x, max.x, max.y), (-180., 180., 90.));
        let inside = |lon, lat| {
            shape
                .0
                .iter()
                .any(|part| super::ring::contains(&part.0[0], Point::new(lon, lat)))
        };
        for step in 0..36 {
            let longitude = f64::from(step) * 10.0 - 179.0;
            assert!(inside(longitude, 89.0), "{longitude}");
            assert!(!inside(longitude, 75.0), "{longitude}");
        }
    }
}

#[test]
fn latitudes_slightly_beyond_the_pole_are_moved_to_it() {
    let outline = rectangle((-180., 180.), (-90.125, 90.125));
    let projected = project_ring(&outline, &LonLat, GreatCircle).unwrap();
    let latitudes: Vec<f64> = projected.0.iter().map(|p| p.y).collect();
    assert!(latitudes.iter().all(|y| y.abs() <= 90.0), "{latitudes:?}");
    assert!(project_ring(&rectangle((0., 1.), (89., 96.)), &LonLat, Straight).is_err());
}

#[test]
fn values_without_meaning_are_refused() {
    let square = rectangle((0., 1.), (0., 1.));
    for value in [f64::NAN, f64::INFINITY, 1e300, 3601.0, -4000.0] {
        for projection in [
            Constant(Point::new(value, 0.)),
            Constant(Point::new(0., value)),
        ] {
            assert!(project_ring(&square, &projection, GreatCircle).is_err());
        }
        let outline = rectangle((0., value), (0., 1.));
        assert!(
            project_ring(&outline, &LonLat, GreatCircle).is_err(),
            "{value}"
        );
        assert!(split_geography(&outline.clone().into()).is_err(), "{value}");
        assert!(split_geometry(&outline.into()).is_err(), "{value}");
    }
    let enormous = rectangle((-1e9, 1e9), (-1e6, 1e6));
    assert!(
        project_ring(&enormous, &WebMercator, GreatCircle).is_ok_and(|ring| ring.0.len() < 300)
    );
    assert!(project_ring(&Ring(vec![]), &LonLat, Straight).is_err());
    assert!(project_ring(&ring(&[(0., 0.), (1., 1.)]), &LonLat, Straight).is_err());
    let nothing = MultiPolygon(vec![]);
    assert!(Footprint::of_shape(&nothing, 4326, &LonLat).is_err());
    assert!(Footprint::of_shape(&MultiPolygon(vec![Polygon(vec![])]), 4326, &LonLat).is_err());
}

#[test]
fn a_projection_that_loses_points_is_refused() {
    struct Lossy;
    impl Project for Lossy {
        fn to_lonlat(&self, _: &[Point]) -> Result<Vec<Point>> {
            Ok(vec![])
        }
        fn from_lonlat(&self, _: &[Point]) -> Result<Vec<Point>> {
            Ok(vec![])
        }
    }
    assert!(project_ring(&rectangle((0., 1.), (0., 1.)), &Lossy, Straight).is_err());
}

/// West and east of each part.
fn spans(shape: &MultiPolygon) -> Vec<(f64, f64)> {
    let span = |part: &Polygon| super::ring::x_range(&part.0[0].0);
    shape.0.iter().map(span).collect()
}

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

fn doubled_area(shape: &MultiPolygon) -> f64 {
    let area = |ring: &Ring| super::ring::doubled_area(ring).abs();
    let polygons = shape
        .0
        .iter()
        .map(|polygon| area(&polygon.0[0]) - polygon.0[1..].iter().map(area).sum::<f64>());
    polygons.sum()
}

#[test]
fn concave_shapes_and_holes_are_cut_into_valid_parts() {
    // a comb with two teeth over the meridian 180, and a hole on either side of it and over it
    let comb = ring(&[
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

#[test]
fn holes_lie_in_the_revolution_of_their_outline() {
    let outer = rectangle((1e5, 2e5), (7.59e6, 7.7e6));
    let hole = rectangle((1.9e5, 1.95e5), (7.6e6, 7.65e6));
    let shape = MultiPolygon(vec![Polygon(vec![outer, hole])]);
    let footprint = Footprint::of_shape(&shape, 32701, &Utm::south(1)).unwrap();
    for stored in [&footprint.geog, &footprint.geom] {
        let holes: Vec<usize> = stored.0.iter().map(|part| part.0.len() - 1).collect();
        assert_eq!(holes, [0, 1], "{stored:?}");
        let (west, east) = super::ring::x_range(&stored.0[1].0[1].0);
        assert!(west > -180.0 && east < -179.9, "{stored:?}");
    }
    assert_eq!(footprint.shape, shape);
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
        ring(&[(9., -5.), (15., 1.), (9., 1.)]),
    ] {
        assert!(interiors_intersect(&shape.into(), &cell));
    }
    let frame = Polygon(vec![
        rectangle((-5., 15.), (-5., 15.)),
        rectangle((0., 10.), (0., 10.)),
    ]);
    assert!(!interiors_intersect(&MultiPolygon(vec![frame]), &cell));
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
        ring(&radii.iter().enumerate().map(vertex).collect::<Vec<_>>())
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
        let shape = MultiPolygon::from(ring(&vertices));
        prop_assert!(split_geography(&shape).is_ok());
        prop_assert!(split_geometry(&shape).is_ok());
        prop_assert!(valid_shape(std::slice::from_ref(&shape), &rectangle((0., 90.), (0., 10.))).is_none_or(
            |valid| !valid.0.is_empty()
        ));
        interiors_intersect(&shape, &rectangle((0., 90.), (0., 10.)));
    }

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
