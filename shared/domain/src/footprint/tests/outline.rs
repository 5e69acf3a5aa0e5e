//! Projected outlines.

use super::{assert_points, closed, rectangle};
use crate::footprint::Edges::{GreatCircle, Straight};
use crate::footprint::test_projections::{Constant, LonLat, NorthPole, Utm, WebMercator};
use crate::footprint::{Footprint, Project, project_ring, ring, split_geography, split_geometry};
use crate::{MultiPolygon, Point, Polygon, Result, Ring};

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
    let small = closed(&[
        (852835., 4842077.),
        (863531., 4840218.),
        (860880., 4833605.),
        (852499., 4833757.),
    ]);
    for edges in [GreatCircle, Straight] {
        assert_eq!(project_ring(&small, &utm, edges).unwrap().0.len(), 5);
    }

    let large = closed(&[
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
    let outline = closed(&[(1.5e7, -3e6), (4.5e7, 3e6), (4.5e7, 4e6), (1.5e7, -2e6)]);
    let projected = project_ring(&outline, &WebMercator, Straight).unwrap();
    let (west, east) = ring::x_range(&projected.0);
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
                .any(|part| ring::contains(&part.0[0], Point::new(lon, lat)))
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
    assert!(project_ring(&closed(&[(0., 0.), (1., 1.)]), &LonLat, Straight).is_err());
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
