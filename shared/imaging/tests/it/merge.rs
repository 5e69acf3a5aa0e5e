//! Merging: order, holes, casts and unusual grids.

use crate::scene::{Look, Scene, mapping, pattern, plain, render, source, target, values};
use crate::tools::{available, run, text, words};
use domain::{DType, Resampling};

const NAN: f64 = f64::NAN;
const NORTH_UP: [f64; 6] = [0.0, 1.0, 0.0, 2.0, 0.0, -1.0];

/// The two images of the mosaic vectors.
fn two_images(scene: &Scene, no_data: Option<f64>) -> [std::path::PathBuf; 2] {
    let look = Look {
        size: (4, 2),
        transform: NORTH_UP,
        no_data,
        ..Look::default()
    };
    let first = [[1.0, 1.0, 0.0, 2.0], [3.0; 4]];
    let second = [[0.0, 7.0, 0.0, 7.0], [0.0, 0.0, 7.0, 7.0]];
    [
        scene.raster("first.tif", look, |_, x, y| first[y][x]),
        scene.raster("second.tif", look, |_, x, y| second[y][x]),
    ]
}

#[test]
fn the_indexed_hole_marker_counts_whatever_the_file_declares() {
    let scene = Scene::new();
    for declared in [Some(0.0), None, Some(7.0)] {
        let files = two_images(&scene, declared);
        let mapping = plain(DType::UInt8, 0.0);
        let sources = files.map(|file| source(&file, &[1], mapping));
        let image = render(
            &sources,
            &target(32632, NORTH_UP, 4, 2),
            &mapping,
            Resampling::Near,
        );
        assert_eq!(
            values(&image),
            [1., 7., 0., 7., 3., 3., 7., 7.],
            "{declared:?}"
        );
    }
}

#[test]
fn holes_stay_values_below_all_data_where_the_image_knows_none() {
    let scene = Scene::new();
    let files = two_images(&scene, None);
    let indexed = plain(DType::UInt8, 7.0);
    let bare = plain(DType::UInt8, NAN);
    let [first, second] = files.map(|file| source(&file, &[1], indexed));
    // (offset of the grid, kernel): copied, and warped
    for (x, kernel) in [(0.0, Resampling::Near), (0.2, Resampling::Near)] {
        let grid = target(32632, [x, 1.0, 0.0, 2.0, 0.0, -1.0], 5, 2);
        let merged = |sources: &[_]| {
            let image = render(sources, &grid, &bare, kernel);
            (values(&image), image.coverage().unwrap().to_vec())
        };
        let (found, coverage) = merged(std::slice::from_ref(&second));
        assert_eq!(found, [0., 7., 0., 7., 0., 0., 0., 7., 7., 0.], "{x}");
        assert_eq!(coverage, [255, 0, 255, 0, 0, 255, 255, 0, 0, 0], "{x}");
        let (found, coverage) = merged(&[first.clone(), second.clone()]);
        assert_eq!(found, [0., 1., 0., 2., 0., 0., 0., 3., 3., 0.], "{x}");
        assert!(
            coverage
                .iter()
                .enumerate()
                .all(|(n, c)| (*c == 0) == (n % 5 == 4))
        );
    }
    let holes = mapping(
        DType::Int16,
        -10001.0,
        (-10000.0, 10000.0),
        (-1.0, 1.0),
        1.0,
    );
    let look = Look {
        dtype: DType::Int16,
        size: (2, 1),
        transform: NORTH_UP,
        no_data: Some(-10001.0),
        ..Look::default()
    };
    let file = scene.raster("i16.tif", look, |_, x, _| [6399.0, -10001.0][x]);
    for (to, expected) in [
        (
            mapping(DType::Int16, NAN, (-10000.0, 10000.0), (-1.0, 1.0), 1.0),
            [6399.0, -10001.0],
        ),
        (
            mapping(DType::UInt8, NAN, (0.0, 254.0), (-1.0, 1.0), 1.0),
            [208.0, 0.0],
        ),
    ] {
        let image = render(
            &[source(&file, &[1], holes)],
            &target(32632, NORTH_UP, 2, 1),
            &to,
            Resampling::Near,
        );
        assert_eq!(values(&image), expected);
    }
}

#[test]
fn beyond_the_source_there_is_zero_without_a_hole_marker() {
    let scene = Scene::new();
    let [file, _] = two_images(&scene, None);
    let mapping = plain(DType::UInt8, NAN);
    let grid = target(32632, NORTH_UP, 5, 2);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(values(&image), [1., 1., 0., 2., 0., 3., 3., 3., 3., 0.]);
    assert_eq!(
        image.coverage().unwrap(),
        [255, 255, 255, 255, 0, 255, 255, 255, 255, 0]
    );
}

#[test]
fn a_south_up_grid_gives_a_south_up_image() {
    let scene = Scene::new();
    let [file, _] = two_images(&scene, Some(0.0));
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(32632, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 4, 2);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(values(&image), [3., 3., 3., 3., 1., 1., 0., 2.]);
}

#[test]
fn rotated_grids_and_sources_are_honoured() {
    let scene = Scene::new();
    let look = Look {
        size: (4, 3),
        transform: [100.0, 0.0, 1.0, 50.0, 1.0, 0.0],
        ..Look::default()
    };
    // Columns go north, rows go east.
    let file = scene.raster("rotated.tif", look, |_, x, y| (10 * y + x + 1) as f64);
    let mapping = plain(DType::UInt8, 0.0);
    let same = target(32632, look.transform, 4, 3);
    let image = render(
        &[source(&file, &[1], mapping)],
        &same,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(values(&image)[..5], [1., 2., 3., 4., 11.]);
    let north_up = target(32632, [100.0, 1.0, 0.0, 54.0, 0.0, -1.0], 3, 4);
    let image = render(
        &[source(&file, &[1], mapping)],
        &north_up,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(
        values(&image),
        [4., 14., 24., 3., 13., 23., 2., 12., 22., 1., 11., 21.]
    );
}

#[test]
fn an_image_is_empty_only_without_any_valid_sample() {
    let scene = Scene::new();
    let side = 10;
    let look = |dtype, bands, no_data| Look {
        dtype,
        bands,
        no_data,
        size: (side, side),
        transform: NORTH_UP,
        ..Look::default()
    };
    let check = |name: &str,
                 look: Look<'_>,
                 no_data: f64,
                 sample: &dyn Fn(usize, usize, usize) -> f64,
                 kept: bool| {
        let file = scene.raster(&format!("{name}.tif"), look, sample);
        let mapping = plain(look.dtype, no_data);
        let bands: Vec<i64> = (1..=look.bands as i64).collect();
        for (grid, transform) in [
            ("aligned", NORTH_UP),
            ("shifted", [0.3, 1.0, 0.0, 1.7, 0.0, -1.0]),
        ] {
            let grid_target = target(32632, transform, 10, 10);
            let image = render(
                &[source(&file, &bands, mapping)],
                &grid_target,
                &mapping,
                Resampling::Near,
            );
            assert_eq!(image.any_valid(), kept, "{name} {grid}");
        }
    };
    check(
        "all zero",
        look(DType::UInt8, 1, Some(0.0)),
        0.0,
        &|_, _, _| 0.0,
        false,
    );
    check(
        "one pixel",
        look(DType::UInt8, 1, Some(0.0)),
        0.0,
        &|_, x, y| if (x, y) == (4, 5) { 7.0 } else { 0.0 },
        true,
    );
    check(
        "all NaN",
        look(DType::Float32, 1, None),
        NAN,
        &|_, _, _| NAN,
        false,
    );
    check(
        "no marker",
        look(DType::UInt8, 1, None),
        NAN,
        &|_, _, _| 0.0,
        true,
    );
    check(
        "second band",
        look(DType::UInt8, 2, Some(0.0)),
        0.0,
        &|band, _, _| band as f64,
        true,
    );
}

#[test]
fn signed_bytes_keep_their_sign() {
    let scene = Scene::new();
    let look = Look {
        dtype: DType::Int8,
        no_data: Some(-128.0),
        ..Look::default()
    };
    let file = scene.raster("int8.tif", look, |_, x, y| {
        if x == y { -128.0 } else { x as f64 - 40.0 }
    });
    let info = imaging::inspect(
        &domain::Uri::parse(file.to_str().unwrap()).unwrap(),
        "",
        &domain::Bands::first(1),
    );
    assert_eq!(info.unwrap().dtype, DType::Int8);
    let mapping = plain(DType::Int8, -128.0);
    let grid = target(32632, look.transform, 64, 64);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(values(&image)[..3], [-128.0, -39.0, -38.0]);
    let shifted = target(
        32632,
        [500_004.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
        63,
        64,
    );
    for kernel in [Resampling::Near, Resampling::Bilinear, Resampling::Average] {
        let image = render(&[source(&file, &[1], mapping)], &shifted, &mapping, kernel);
        let found = values(&image);
        assert!((found[5] - -35.0).abs() <= 1.0, "{kernel}: {}", found[5]);
        // The only marker is the corner that no neighbour fills.
        assert!(
            found
                .iter()
                .all(|value| *value >= -40.0 || *value == -128.0),
            "{kernel}"
        );
    }
    let physical = plain(DType::Float32, NAN);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &physical,
        Resampling::Near,
    );
    assert!(values(&image)[0].is_nan());
    assert_eq!(values(&image)[1..3], [-39.0, -38.0]);
}

#[test]
fn datasets_of_different_mappings_go_into_one_image() {
    let scene = Scene::new();
    let look = Look {
        size: (8, 8),
        transform: NORTH_UP,
        ..Look::default()
    };
    let bytes = scene.raster("u8.tif", look, |_, x, _| if x < 4 { 100.0 } else { 0.0 });
    let floats = scene.raster(
        "f32.tif",
        Look {
            dtype: DType::Float32,
            no_data: Some(-1.0),
            ..look
        },
        |_, _, y| if y < 4 { 0.25 } else { -1.0 },
    );
    let sources = [
        source(
            &bytes,
            &[1],
            mapping(DType::UInt8, 0.0, (0.0, 200.0), (0.0, 1.0), 1.0),
        ),
        source(
            &floats,
            &[1],
            mapping(DType::Float32, -1.0, (0.0, 1.0), (0.0, 1.0), 1.0),
        ),
    ];
    let format = plain(DType::Float32, NAN);
    for transform in [NORTH_UP, [0.25, 1.0, 0.0, 2.0, 0.0, -1.0]] {
        let found = values(&render(
            &sources,
            &target(32632, transform, 7, 8),
            &format,
            Resampling::Near,
        ));
        assert_eq!((found[0], found[6]), (0.25, 0.25));
        assert_eq!(found[7 * 7], 0.5);
        assert!(found[7 * 7 + 6].is_nan());
    }
}

#[test]
fn a_small_memory_bound_changes_no_nearest_pixel() {
    let scene = Scene::new();
    let look = Look {
        size: (300, 300),
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, pattern);
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(
        3857,
        [1_001_875.0, 14.0, 0.0, 5_647_300.0, 0.0, -14.0],
        250,
        250,
    );
    let sources = [source(&file, &[1], mapping)];
    let whole = values(&render(&sources, &grid, &mapping, Resampling::Near));
    let merge = |window_bytes| {
        let limits = imaging::Limits {
            window_bytes,
            ..imaging::Limits::default()
        };
        imaging::merge(
            &sources,
            &grid,
            &mapping,
            Resampling::Near,
            &limits,
            &|| false,
        )
    };
    // the last one holds some tens of rows
    for window_bytes in [1_000_000, 300_000, 100_000] {
        let parts = merge(window_bytes).unwrap();
        assert!(values(&parts) == whole, "{window_bytes}");
    }
    assert!(merge(10).is_err());
}

#[test]
fn complex_samples_are_copied_and_warped_whole() {
    if !available("gdal_translate") {
        return;
    }
    let scene = Scene::new();
    let look = Look {
        dtype: DType::Float32,
        ..Look::default()
    };
    let real = scene.raster("real.tif", look, crate::scene::holed);
    let file = scene.path("complex.tif");
    run(
        "gdal_translate",
        &words(&format!("-q -ot CFloat32 {} {}", text(&real), text(&file))),
    );
    let mapping = plain(DType::Complex64, 0.0);
    let exact = |x: usize, y: usize| crate::scene::holed(0, x, y);
    for (transform, kernel) in [
        (look.transform, Resampling::Near),
        (
            [500_002.0, 10.0, 0.0, 4_999_999.0, 0.0, -10.0],
            Resampling::Near,
        ),
        (
            [500_000.001, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            Resampling::Bilinear,
        ),
    ] {
        let image = render(
            &[source(&file, &[1], mapping)],
            &target(32632, transform, 60, 60),
            &mapping,
            kernel,
        );
        let found = image.as_band_sequential();
        let part =
            |index: usize| f32::from_ne_bytes(found[4 * index..4 * index + 4].try_into().unwrap());
        for (x, y) in [(10, 3), (20, 40), (33, 31), (59, 59)] {
            let expected = exact(x, y) as f32;
            assert!(
                (part(2 * (y * 60 + x)) - expected).abs() < 0.1,
                "{x},{y} {kernel}"
            );
            assert_eq!(part(2 * (y * 60 + x) + 1), 0.0);
        }
        assert_eq!((exact(0, 0), part(0)), (0.0, 0.0));
        assert!(image.any_valid());
    }
}
