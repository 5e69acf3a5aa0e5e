//! Files and requests that are wrong.

use crate::scene::{Look, Scene, pattern, plain, source, target};
use domain::{Bands, DType, DatasetSource, Resampling, Uri};
use imaging::{Error, Limits, inspect, merge};
use std::path::Path;

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

fn merged(
    source: DatasetSource,
    transform: [f64; 6],
    side: u32,
) -> imaging::Result<imaging::Image> {
    let grid = target(32632, transform, side, side);
    let format = plain(source.mapping.format.dtype, 0.0);
    merge(
        &[source],
        &grid,
        &format,
        Resampling::Bilinear,
        &Limits::default(),
        &|| false,
    )
}

fn look_at(path: &Path, subdir: &str, bands: usize) -> imaging::Result<imaging::FileInfo> {
    inspect(
        &Uri::parse(path.to_str().unwrap()).unwrap(),
        subdir,
        &Bands::first(bands),
    )
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let scene = Scene::new();
    let file = scene.raster(
        "a.tif",
        Look {
            bands: 2,
            ..Look::default()
        },
        pattern,
    );
    let name = file.to_str().unwrap();
    let text = |result: imaging::Result<imaging::FileInfo>| result.unwrap_err().to_string();
    assert!(
        text(look_at(Path::new("/nowhere.tif"), "", 1))
            .starts_with("/nowhere.tif cannot be opened: ")
    );
    assert_eq!(
        text(look_at(&file, "", 3)),
        format!("{name} has no band: 3")
    );
    assert!(
        text(look_at(&file, "GTIFF_DIR:9", 1))
            .starts_with(&format!("GTIFF_DIR:9:{name} cannot be opened: "))
    );
    for subdir in ["GTIFF_DIR:1", "GTIFF_RAW"] {
        assert!(look_at(&file, subdir, 2).is_ok(), "{subdir}");
    }
    for subdir in ["/vsizip/", "VRT", "vrt:///etc", "\0", "WMS:http", "MEM"] {
        assert!(look_at(&file, subdir, 1).is_err(), "{subdir:?}");
    }
    let remote = Uri::parse("gs://bucket/a.tif").unwrap();
    assert!(matches!(
        inspect(&remote, "", &Bands::first(1)),
        Err(Error::Unsupported(_))
    ));
    let vrt = scene.path("a.vrt");
    std::fs::write(&vrt, format!("<VRTDataset rasterXSize=\"1\" rasterYSize=\"1\"><VRTRasterBand dataType=\"Byte\" band=\"1\"><SimpleSource><SourceFilename>{name}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>")).unwrap();
    assert!(matches!(look_at(&vrt, "", 1), Err(Error::Open { .. })));
    assert!(matches!(
        look_at(scene.folder(), "", 1),
        Err(Error::Open { .. })
    ));
}

#[test]
fn cut_and_scrambled_files_give_errors_or_pixels_but_never_more() {
    let scene = Scene::new();
    let look = Look {
        dtype: DType::UInt16,
        size: (128, 128),
        options: &[
            "COMPRESS=DEFLATE",
            "TILED=YES",
            "BLOCKXSIZE=64",
            "BLOCKYSIZE=64",
        ],
        ..Look::default()
    };
    let file = scene.raster("a.tif", look, pattern);
    let bytes = std::fs::read(&file).unwrap();
    let broken = scene.path("broken.tif");
    let mapping = plain(DType::UInt16, 0.0);
    let shifted = [500_003.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];
    for cut in (0..bytes.len()).step_by(bytes.len() / 40) {
        std::fs::write(&broken, &bytes[..cut]).unwrap();
        for transform in [GRID, shifted] {
            if let Err(error) = merged(source(&broken, &[1], mapping), transform, 128) {
                assert!(!matches!(error, Error::Cancelled), "{error}");
            }
        }
    }
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    assert!(merged(source(&broken, &[1], mapping), GRID, 128).is_err());
    let mut state = 12345_u32;
    for _ in 0..150 {
        let mut scrambled = bytes.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % 400.min(scrambled.len());
            scrambled[at] = (state >> 3) as u8;
        }
        std::fs::write(&broken, &scrambled).unwrap();
        let _either = merged(source(&broken, &[1], mapping), shifted, 128);
    }
}

#[test]
fn huge_requests_are_refused_before_memory_is_taken() {
    let scene = Scene::new();
    let file = scene.raster("a.tif", Look::default(), pattern);
    let mapping = plain(DType::UInt8, 0.0);
    let huge = merged(source(&file, &[1], mapping), GRID, 2_000_000_000);
    assert!(matches!(huge, Err(Error::TooLarge { .. })));
    assert!(matches!(
        huge.unwrap_err().as_domain(),
        Some(domain::Error::LimitExceeded(_))
    ));
    let sparse = Look {
        size: (60_000, 60_000),
        options: &["SPARSE_OK=TRUE", "TILED=YES"],
        ..Look::default()
    };
    let path = scene.path("sparse.tif");
    let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
    let options: gdal::raster::RasterCreationOptions = sparse.options.iter().copied().collect();
    let mut big = driver
        .create_with_band_type_with_options::<f64, _>(&path, 60_000, 60_000, 1, &options)
        .unwrap();
    big.set_geo_transform(&GRID).unwrap();
    big.set_spatial_ref(&gdal::spatial_ref::SpatialRef::from_epsg(32632).unwrap())
        .unwrap();
    drop(big);
    let tiny = Limits {
        window_bytes: 1 << 20,
        ..Limits::default()
    };
    let grid = target(
        32632,
        [500_000.0, 600_000.0, 0.0, 5_000_000.0, 0.0, -600_000.0],
        1,
        1,
    );
    let format = plain(DType::Float64, 0.0);
    let result = merge(
        &[source(&path, &[1], format)],
        &grid,
        &format,
        Resampling::Average,
        &tiny,
        &|| false,
    );
    assert!(matches!(result, Err(Error::TooLarge { .. })));
}

#[test]
fn grids_far_from_the_source_are_empty() {
    let scene = Scene::new();
    let file = scene.raster("a.tif", Look::default(), pattern);
    let mapping = plain(DType::UInt8, 0.0);
    for (epsg, transform) in [
        (32632, [0.0, 10.0, 0.0, 0.0, 0.0, -10.0]),
        (32632, [1e12, 10.0, 0.0, -1e12, 0.0, -10.0]),
        (32632, [1e140, 1e130, 0.0, 1e140, 0.0, -1e130]),
        (4326, [170.0, 1.0, 0.0, 89.0, 0.0, -1.0]),
        (4326, [1000.0, 1.0, 0.0, 500.0, 0.0, -1.0]),
        (3857, [-3e7, 1000.0, 0.0, 3e7, 0.0, -1000.0]),
        (3413, [0.0, 1e-6, 0.0, 0.0, 0.0, -1e-6]),
    ] {
        for kernel in [Resampling::Near, Resampling::Average, Resampling::Lanczos] {
            let grid = target(epsg, transform, 20, 20);
            let image = merge(
                &[source(&file, &[1], mapping)],
                &grid,
                &mapping,
                kernel,
                &Limits::default(),
                &|| false,
            );
            assert!(
                image.is_ok_and(|image| !image.any_valid()),
                "{epsg} {transform:?} {kernel}"
            );
        }
    }
}

#[test]
fn datasets_that_do_not_go_together_are_refused() {
    let scene = Scene::new();
    let file = scene.raster(
        "a.tif",
        Look {
            bands: 2,
            ..Look::default()
        },
        pattern,
    );
    let mapping = plain(DType::UInt8, 0.0);
    let grid = target(32632, GRID, 4, 4);
    let run = |sources: &[DatasetSource], cancelled: bool| {
        merge(
            sources,
            &grid,
            &mapping,
            Resampling::Near,
            &Limits::default(),
            &|| cancelled,
        )
        .unwrap_err()
    };
    assert!(run(&[], false).to_string().contains("at least one"));
    let mixed = [
        source(&file, &[1], mapping),
        source(&file, &[1, 2], mapping),
    ];
    assert_eq!(
        run(&mixed, false).to_string(),
        "Bands number is not constant"
    );
    let complex = source(&file, &[1], plain(DType::Complex64, 0.0));
    assert!(run(&[complex], false).to_string().ends_with("unableToCast"));
    assert!(matches!(run(&mixed[..1], true), Error::Cancelled));
}

#[test]
fn pipes_and_folders_are_refused_at_once() {
    let scene = Scene::new();
    let pipe = scene.path("pipe.tif");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for path in [&pipe, &scene.folder().to_owned()] {
        let error = look_at(path, "", 1).unwrap_err().to_string();
        assert!(error.ends_with(", expected a file"), "{error}");
        let error = merged(source(path, &[1], plain(DType::UInt8, 0.0)), GRID, 8);
        assert!(matches!(error, Err(Error::Open { .. })));
    }
}
