//! Warps against `gdalwarp`.

use crate::scene::{
    Look, Scene, assert_close, file_values, holed, plain, render, source, target, values,
};
use crate::tools::{available, run, text, words};
use domain::{DType, Resampling};
use imaging::Target;

/// Grids around the default scene: of the same system, shifted, coarser, anisotropic, reprojected, south-up.
fn grids() -> Vec<(&'static str, Target)> {
    vec![
        (
            "shifted",
            target(
                32632,
                [500_003.0, 10.0, 0.0, 5_000_004.0, 0.0, -10.0],
                70,
                66,
            ),
        ),
        (
            "finer",
            target(
                32632,
                [499_950.0, 3.0, 0.0, 5_000_050.0, 0.0, -3.0],
                120,
                110,
            ),
        ),
        (
            "coarser",
            target(
                32632,
                [499_950.0, 27.0, 0.0, 5_000_050.0, 0.0, -27.0],
                30,
                30,
            ),
        ),
        (
            "anisotropic",
            target(
                32632,
                [500_001.0, 7.0, 0.0, 5_000_001.0, 0.0, -23.0],
                90,
                27,
            ),
        ),
        (
            "zone",
            target(
                32633,
                [28_800.0, 10.0, 0.0, 5_011_500.0, 0.0, -10.0],
                100,
                100,
            ),
        ),
        (
            "lonlat",
            target(4326, [8.999, 0.0001, 0.0, 45.154, 0.0, -0.0001], 100, 80),
        ),
        (
            "mercator",
            target(
                3857,
                [1_001_800.0, 12.0, 0.0, 5_647_500.0, 0.0, -12.0],
                80,
                90,
            ),
        ),
    ]
}

/// What gdalwarp makes of the same files on the same grid.
pub fn gdalwarp(
    scene: &Scene,
    files: &[&std::path::Path],
    grid: &Target,
    kernel: Resampling,
    more: &str,
) -> Vec<f64> {
    let out = text(&scene.path("expected.tif"));
    let size = grid.size;
    let (first, last) = (
        grid.transform.apply(0.0, 0.0),
        grid.transform
            .apply(f64::from(size.width), f64::from(size.height)),
    );
    let mut arguments = words(&format!(
        "-q -overwrite -t_srs EPSG:{} -te {:.12} {:.12} {:.12} {:.12} -ts {} {} -r {} {more}",
        grid.crs.srid(),
        first.x,
        last.y,
        last.x,
        first.y,
        size.width,
        size.height,
        kernel.name().to_lowercase(),
    ));
    arguments.extend(files.iter().map(|file| text(file)));
    arguments.push(out.clone());
    run("gdalwarp", &arguments);
    file_values(&out)
}

#[test]
fn every_kernel_and_grid_gives_what_gdalwarp_gives() {
    if !available("gdalwarp") {
        return;
    }
    let scene = Scene::new();
    let look = |no_data| Look {
        bands: 2,
        no_data,
        ..Look::default()
    };
    let file = scene.raster("a.tif", look(None), holed);
    // by -srcnodata, a hole of one band alone would be a value
    let marked = scene.raster("marked.tif", look(Some(0.0)), holed);
    let mapping = plain(DType::UInt8, 0.0);
    for (name, grid) in grids() {
        for kernel in Resampling::ALL {
            let image = render(&[source(&file, &[1, 2], mapping)], &grid, &mapping, kernel);
            let expected = gdalwarp(&scene, &[&marked], &grid, kernel, "-dstnodata 0");
            let tolerance = if kernel == Resampling::Near { 0.0 } else { 1.0 };
            assert_close(
                &values(&image),
                &expected,
                tolerance,
                &format!("{name} {kernel}"),
            );
        }
    }
}

#[test]
fn every_sample_type_is_warped_as_gdalwarp_does() {
    if !available("gdalwarp") {
        return;
    }
    let scene = Scene::new();
    for dtype in [
        DType::UInt8,
        DType::UInt16,
        DType::UInt32,
        DType::Int16,
        DType::Int32,
        DType::Float32,
        DType::Float64,
    ] {
        let look = Look {
            dtype,
            ..Look::default()
        };
        let file = scene.raster(&format!("{dtype}.tif"), look, holed);
        let mapping = plain(dtype, 0.0);
        for (name, grid) in grids().into_iter().skip(1).step_by(2) {
            for kernel in [
                Resampling::Near,
                Resampling::Bilinear,
                Resampling::Cubic,
                Resampling::Average,
            ] {
                let image = render(&[source(&file, &[1], mapping)], &grid, &mapping, kernel);
                let expected =
                    gdalwarp(&scene, &[&file], &grid, kernel, "-srcnodata 0 -dstnodata 0");
                let tolerance = match (kernel, dtype.is_float()) {
                    (Resampling::Near, _) => 0.0,
                    (_, true) => 1e-3,
                    (_, false) => 1.0,
                };
                assert_close(
                    &values(&image),
                    &expected,
                    tolerance,
                    &format!("{dtype} {name} {kernel}"),
                );
            }
        }
    }
}

#[test]
fn overviews_are_chosen_as_gdalwarp_does() {
    if !available("gdaladdo") {
        return;
    }
    let scene = Scene::new();
    let look = Look {
        size: (512, 512),
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, holed);
    run(
        "gdaladdo",
        &words(&format!("-q -r average {} 2 4 8", text(&file))),
    );
    let mapping = plain(DType::UInt8, 0.0);
    for (resolution, side) in [
        (15.0, 340),
        (19.5, 262),
        (20.0, 256),
        (33.0, 155),
        (40.5, 126),
        (70.0, 73),
        (160.0, 32),
        (400.0, 13),
    ] {
        for epsg in [32632, 3857] {
            let (left, top) = if epsg == 32632 {
                (500_000.0, 5_000_000.0)
            } else {
                (1_001_875.0, 5_647_300.0)
            };
            let grid = target(
                epsg,
                [left, resolution, 0.0, top, 0.0, -resolution],
                side,
                side,
            );
            for kernel in [Resampling::Near, Resampling::Bilinear] {
                let image = render(&[source(&file, &[1], mapping)], &grid, &mapping, kernel);
                let expected =
                    gdalwarp(&scene, &[&file], &grid, kernel, "-srcnodata 0 -dstnodata 0");
                let tolerance = if kernel == Resampling::Near { 0.0 } else { 1.0 };
                assert_close(
                    &values(&image),
                    &expected,
                    tolerance,
                    &format!("{epsg} {resolution} {kernel}"),
                );
                assert!(image.any_valid());
            }
        }
    }
}

#[test]
fn mosaics_of_several_files_are_those_of_gdalwarp() {
    if !available("gdalwarp") {
        return;
    }
    let scene = Scene::new();
    let low = scene.raster("low.tif", Look::default(), holed);
    let shifted = [500_205.0, 10.0, 0.0, 4_999_803.0, 0.0, -10.0];
    let high = scene.raster(
        "high.tif",
        Look {
            transform: shifted,
            ..Look::default()
        },
        |b, x, y| holed(b, y, x),
    );
    let mapping = plain(DType::UInt8, 0.0);
    for (name, grid) in grids() {
        for kernel in [Resampling::Near, Resampling::Cubic] {
            let sources = [source(&low, &[1], mapping), source(&high, &[1], mapping)];
            let image = render(&sources, &grid, &mapping, kernel);
            let expected = gdalwarp(
                &scene,
                &[&low, &high],
                &grid,
                kernel,
                "-srcnodata 0 -dstnodata 0",
            );
            let tolerance = if kernel == Resampling::Near { 0.0 } else { 1.0 };
            assert_close(
                &values(&image),
                &expected,
                tolerance,
                &format!("{name} {kernel}"),
            );
        }
    }
}

#[test]
fn longitudes_from_another_meridian_are_warped() {
    let scene = Scene::new();
    // degrees from Rome, which lies at 12.4523 degrees of Greenwich
    let look = Look {
        size: (40, 20),
        transform: [-0.5, 0.025, 0.0, 42.25, 0.0, -0.025],
        epsg: 4806,
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, |_, x, y| (1 + x + 5 * y) as f64);
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(4326, [12.2, 0.01, 0.0, 42.1, 0.0, -0.01], 40, 20);
    let image = render(
        &[source(&file, &[1], mapping)],
        &grid,
        &mapping,
        Resampling::Near,
    );
    assert!(values(&image).iter().all(|value| *value > 0.0));
}

#[test]
fn a_warp_is_the_same_whatever_the_threads_of_the_library() {
    let scene = Scene::new();
    let look = Look {
        size: (600, 600),
        ..Look::default()
    };
    let mapping = plain(look.dtype, 0.0);
    let file = scene.raster("wide.tif", look, holed);
    let grid = target(
        3857,
        [1_001_800.0, 12.0, 0.0, 5_647_500.0, 0.0, -12.0],
        512,
        512,
    );
    let warped = |threads: &str| {
        gdal::config::set_config_option("GDAL_NUM_THREADS", threads).unwrap();
        let source = source(&file, &[1], mapping);
        values(&render(&[source], &grid, &mapping, Resampling::Bilinear))
    };
    let alone = warped("1");
    assert!(alone.iter().filter(|value| **value != 0.0).count() > 10_000);
    assert_eq!(warped("2"), alone);
    assert_eq!(warped("ALL_CPUS"), alone);
}
