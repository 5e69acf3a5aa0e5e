//! Files and grids on both sides of the dateline.

use crate::scene::{Look, Scene, plain, render, source, target, values};
use domain::{DType, DatasetSource, Resampling};

/// A file of longitudes 178 to 182, whose samples are never 0.
fn across(scene: &Scene) -> DatasetSource {
    let look = Look {
        size: (40, 20),
        transform: [178.0, 0.1, 0.0, 1.0, 0.0, -0.1],
        epsg: 4326,
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, |_, x, y| (1 + x + 5 * y) as f64);
    source(&file, &[1], plain(DType::UInt8, 0.0))
}

#[test]
fn longitudes_are_the_same_after_a_revolution() {
    let scene = Scene::new();
    let look = Look {
        size: (40, 20),
        transform: [178.0, 0.1, 0.0, 1.0, 0.0, -0.1],
        epsg: 4326,
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, |_, x, y| (1 + x + 5 * y) as f64);
    let mapping = plain(DType::UInt8, 0.0);
    let datasets = [source(&file, &[1], mapping)];
    let on = |west: f64, kernel| {
        let grid = target(4326, [west, 0.1, 0.0, 1.0, 0.0, -0.1], 40, 20);
        values(&render(&datasets, &grid, &mapping, kernel))
    };
    for kernel in [Resampling::Near, Resampling::Cubic, Resampling::CubicSpline] {
        let there = on(178.0, kernel);
        assert!(there.iter().all(|value| *value > 0.0));
        assert_eq!(on(-182.0, kernel), there, "{kernel:?}");
        // the half to the east of the dateline, in the longitudes of that side
        let east = on(-180.0, kernel);
        for (line, found) in there.chunks(40).zip(east.chunks(40)) {
            assert_eq!(found[..20], line[20..], "{kernel:?}");
            assert!(found[20..].iter().all(|value| *value == 0.0));
        }
    }
}

#[test]
fn other_degrees_find_a_file_from_both_sides_of_the_dateline() {
    let scene = Scene::new();
    let (dataset, mapping) = (across(&scene), plain(DType::UInt8, 0.0));
    let on = |epsg, west: f64, kernel| {
        let grid = target(epsg, [west, 0.1, 0.0, 1.0, 0.0, -0.1], 40, 20);
        values(&render(
            std::slice::from_ref(&dataset),
            &grid,
            &mapping,
            kernel,
        ))
    };
    for kernel in [Resampling::Near, Resampling::Bilinear, Resampling::Average] {
        let own = on(4326, 178.0, kernel);
        for epsg in [4258, 4269, 4167] {
            for west in [178.0, -182.0] {
                assert_eq!(on(epsg, west, kernel), own, "{epsg} from {west}, {kernel}");
            }
            let east = on(epsg, -180.0, kernel);
            for (line, found) in own.chunks(40).zip(east.chunks(40)) {
                assert_eq!(found[..20], line[20..], "{epsg} {kernel}");
                assert!(
                    found[20..].iter().all(|value| *value == 0.0),
                    "{epsg} {kernel}"
                );
            }
        }
    }
}

#[test]
fn the_zones_beside_the_dateline_have_no_hole_there() {
    let scene = Scene::new();
    let (dataset, mapping) = (across(&scene), plain(DType::UInt8, 0.0));
    // 180 degrees lie at x 166 021 of zone 1 and at x 833 979 of zone 60, on the equator
    for (epsg, left, top) in [
        (32601, 66_000.0, 100_000.0),
        (32660, 734_000.0, 100_000.0),
        (32701, 66_000.0, 10_000_000.0),
        (32760, 734_000.0, 10_000_000.0),
    ] {
        for kernel in Resampling::ALL {
            let grid = target(epsg, [left, 2_000.0, 0.0, top, 0.0, -2_000.0], 100, 50);
            let found = values(&render(
                std::slice::from_ref(&dataset),
                &grid,
                &mapping,
                kernel,
            ));
            let holes = found.iter().filter(|value| **value == 0.0).count();
            assert_eq!(holes, 0, "{epsg} {kernel}");
            // samples grow from the west to the east, over the dateline too
            for line in found.chunks(100) {
                let falls = line.windows(2).filter(|pair| pair[1] < pair[0]).count();
                assert!(kernel != Resampling::Near || falls <= 1, "{epsg}: {line:?}");
            }
        }
    }
}

#[test]
fn a_file_of_the_whole_globe_serves_grids_across_its_edge() {
    let scene = Scene::new();
    for (name, west) in [("symmetric", -180.0), ("from Greenwich", 0.0)] {
        let look = Look {
            size: (180, 90),
            transform: [west, 2.0, 0.0, 90.0, 0.0, -2.0],
            epsg: 4326,
            ..Look::default()
        };
        let file = scene.raster("globe.tif", look, |_, _, y| (1 + y) as f64);
        let mapping = plain(DType::UInt8, 0.0);
        for (epsg, transform) in [
            (4326, [170.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (4326, [-190.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (4326, [-10.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (4326, [350.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (4258, [170.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (4258, [-190.0, 0.5, 0.0, 10.0, 0.0, -0.5]),
            (32601, [100_000.0, 20_000.0, 0.0, 400_000.0, 0.0, -20_000.0]),
            (
                3832,
                [2_000_000.0, 50_000.0, 0.0, 500_000.0, 0.0, -50_000.0],
            ),
        ] {
            let grid = target(epsg, transform, 40, 20);
            let image = render(
                &[source(&file, &[1], mapping)],
                &grid,
                &mapping,
                Resampling::Near,
            );
            let holes = values(&image).iter().filter(|value| **value == 0.0).count();
            assert_eq!(holes, 0, "{name} in {epsg} from {}", transform[0]);
        }
    }
}
