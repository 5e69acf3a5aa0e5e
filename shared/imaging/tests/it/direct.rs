//! Which way windows of files are read, and that images are the same whichever it is.

use crate::{
    scene::{
        Look, Scene, assert_close, file_values, holed, pattern, plain, render, source, target,
        values,
    },
    tools::{available, run, text, words},
    warp::gdalwarp,
};
use domain::{DType, Resampling};
use imaging::Reads;

const TILED: &[&str] = &[
    "COMPRESS=ZSTD",
    "PREDICTOR=2",
    "TILED=YES",
    "BLOCKXSIZE=64",
    "BLOCKYSIZE=64",
];

fn direct(windows: u64) -> Reads {
    Reads {
        direct: windows,
        library: 0,
    }
}

#[test]
fn an_aligned_image_is_read_from_its_blocks_without_gdal() {
    let scene = Scene::new();
    for options in [&[][..], TILED] {
        let look = Look {
            dtype: DType::UInt16,
            size: (200, 180),
            options,
            ..Look::default()
        };
        let file = scene.raster("a.tif", look, holed);
        let mapping = plain(DType::UInt16, 0.0);
        let whole = file_values(&text(&file));
        for (column, row, side) in [(0_i64, 0_i64, 180_u32), (70, 33, 90), (-20, 150, 60)] {
            let corner = [
                500_000.0 + 10.0 * column as f64,
                10.0,
                0.0,
                5_000_000.0 - 10.0 * row as f64,
                0.0,
                -10.0,
            ];
            let image = render(
                &[source(&file, &[1], mapping)],
                &target(32632, corner, side, side),
                &mapping,
                Resampling::Cubic,
            );
            assert_eq!(image.reads(), direct(1));
            let pixel = |index: i64| {
                let (x, y) = (
                    column + index % i64::from(side),
                    row + index / i64::from(side),
                );
                let inside = (0..200).contains(&x) && (0..180).contains(&y);
                if inside {
                    whole[(y * 200 + x) as usize]
                } else {
                    0.0
                }
            };
            let expected: Vec<f64> = (0..i64::from(side * side)).map(pixel).collect();
            assert_eq!(values(&image), expected, "{options:?} {column} {row}");
        }
    }
}

#[test]
fn an_aligned_overview_is_read_from_its_blocks_and_is_the_one_of_gdalwarp() {
    if !available("gdaladdo") {
        return;
    }
    let scene = Scene::new();
    let look = Look {
        size: (512, 512),
        options: TILED,
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, holed);
    run(
        "gdaladdo",
        &words(&format!("-q -r average {} 2 4 8", text(&file))),
    );
    let mapping = plain(DType::UInt8, 0.0);
    for (factor, side, shift) in [(2, 256, 0), (4, 64, 5), (8, 64, 0), (8, 40, -3)] {
        let resolution = f64::from(10 * factor);
        let (left, top) = (
            500_000.0 + resolution * f64::from(shift),
            5_000_000.0 - resolution * f64::from(shift),
        );
        let grid = target(
            32632,
            [left, resolution, 0.0, top, 0.0, -resolution],
            side,
            side,
        );
        for kernel in [Resampling::Near, Resampling::Bilinear, Resampling::Cubic] {
            let image = render(&[source(&file, &[1], mapping)], &grid, &mapping, kernel);
            assert_eq!(image.reads(), direct(1));
            let expected = gdalwarp(&scene, &[&file], &grid, kernel, "-srcnodata 0 -dstnodata 0");
            assert_close(
                &values(&image),
                &expected,
                0.0,
                &format!("{factor} {shift} {kernel}"),
            );
        }
    }
}

#[test]
fn windows_that_are_warped_are_read_without_gdal_too() {
    if !available("gdalwarp") {
        return;
    }
    let scene = Scene::new();
    let look = Look {
        options: TILED,
        size: (128, 128),
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, pattern);
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(
        3857,
        [1_001_900.0, 12.0, 0.0, 5_645_700.0, 0.0, -12.0],
        80,
        90,
    );
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    let reads = image.reads();
    assert!(reads.direct > 0 && reads.library == 0, "{reads:?}");
    let expected = gdalwarp(
        &scene,
        &[&file],
        &grid,
        Resampling::Near,
        "-srcnodata 0 -dstnodata 0",
    );
    assert_close(&values(&image), &expected, 0.0, "mercator");
}

#[test]
fn a_codec_that_is_left_to_gdal_is_told() {
    let scene = Scene::new();
    let look = Look {
        options: &["COMPRESS=PACKBITS"],
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, pattern);
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(32632, look.transform, 64, 64);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    assert_eq!(
        image.reads(),
        Reads {
            direct: 0,
            library: 1
        }
    );
    assert_eq!(values(&image), file_values(&text(&file)));
}
