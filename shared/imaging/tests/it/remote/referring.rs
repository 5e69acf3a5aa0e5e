//! Files that name another file for their overviews: GDAL would open it, whatever it is and wherever it lies.

use super::{Bucket, GRID, moved};
use crate::scene::{Look, Scene, pattern, plain, source, target};
use domain::{DType, DatasetSource, Resampling, Uri};
use gdal::{Dataset, DriverManager, raster::RasterCreationOptions};
use imaging::{Error, Limits, inspect, merge};
use std::{fs, path::Path};

const SIZE: (usize, usize) = (64, 16);

/// A dataset whose samples are the bytes of a file.
fn raw(file: &Path) -> String {
    format!(
        "<VRTDataset rasterXSize=\"32\" rasterYSize=\"8\"><VRTRasterBand dataType=\"Byte\" band=\"1\" \
         subClass=\"VRTRawRasterBand\"><SourceFilename>{}</SourceFilename><ImageOffset>0</ImageOffset>\
         <PixelOffset>1</PixelOffset><LineOffset>32</LineOffset></VRTRasterBand></VRTDataset>",
        file.display()
    )
}

/// A GeoTIFF that names its overviews.
fn referring(scene: &Scene, name: &str, overviews: &str) -> std::path::PathBuf {
    let look = Look {
        size: SIZE,
        ..Look::default()
    };
    let file = scene.raster(name, look, pattern);
    let filler = "x".repeat(1000);
    let mut dataset = Dataset::open_ex(
        &file,
        gdal::DatasetOptions {
            open_flags: gdal::GdalOpenFlags::GDAL_OF_UPDATE,
            ..gdal::DatasetOptions::default()
        },
    )
    .unwrap();
    gdal::Metadata::set_metadata_item(&mut dataset, "FILLER", &filler, "").unwrap();
    drop(dataset);
    let escaped = overviews.replace('<', "&lt;").replace('>', "&gt;");
    let item = format!("<Item name=\"OVERVIEW_FILE\" domain=\"OVERVIEWS\">{escaped}</Item>");
    let placeholder = format!("<Item name=\"FILLER\">{filler}</Item>");
    let mut content = fs::read(&file).unwrap();
    let found = content.windows(placeholder.len());
    let at = { found }
        .position(|bytes| bytes == placeholder.as_bytes())
        .unwrap();
    let padded = format!("{item:<width$}", width = placeholder.len());
    content[at..at + placeholder.len()].copy_from_slice(padded.as_bytes());
    fs::write(&file, content).unwrap();
    file
}

/// Not opened, for what it refers to, whoever asks.
fn assert_refused(file: &DatasetSource) {
    let refused = |error: Error| {
        let expected = format!(
            "{} cannot be opened: it refers to another file for its overviews",
            file.uri
        );
        assert_eq!(error.to_string(), expected);
    };
    refused(inspect(&file.uri, "", &file.bands).unwrap_err());
    let half = [GRID[0], 20.0, 0.0, GRID[3], 0.0, -20.0];
    for (transform, side) in [(half, 32), (GRID, 64)] {
        let grid = target(32632, transform, side, side / 4);
        let (limits, kernel) = (Limits::default(), Resampling::Near);
        let sources = std::slice::from_ref(file);
        let merged = merge(sources, &grid, &file.mapping, kernel, &limits, &|| false);
        refused(merged.err().unwrap());
    }
}

#[test]
fn a_file_that_names_another_one_for_its_overviews_is_refused() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let mapping = plain(DType::UInt8, 0.0);
    let secret = scene.path("secret");
    fs::write(&secret, [42; 256]).unwrap();
    let half = Look {
        size: (32, 8),
        ..Look::default()
    };
    let outside = scene.raster("outside.tif", half, |_, _, _| 42.0);
    // the reference system is known from now on: tags alone would tell all
    inspect(
        &Uri::parse(outside.to_str().unwrap()).unwrap(),
        "",
        &domain::Bands::first(1),
    )
    .unwrap();
    for (name, overviews) in [
        ("raw.tif", raw(&secret)),
        ("path.tif", outside.to_str().unwrap().to_owned()),
        ("absent.tif", "/nowhere/a.tif".to_owned()),
        ("connection.tif", "PG:host=127.0.0.1 port=1".to_owned()),
    ] {
        let file = referring(&scene, name, &overviews);
        let local = source(&file, &[1], mapping);
        assert_refused(&local);
        assert_refused(&moved(&local, &bucket.put(name, &file)));
    }
}

#[test]
fn nor_is_such_a_file_of_another_format_opened() {
    let scene = Scene::new();
    let secret = scene.path("secret");
    fs::write(&secret, [42; 256]).unwrap();
    let Ok(driver) = DriverManager::get_driver_by_name("JP2OpenJPEG") else {
        eprintln!("skipped: needs the driver JP2OpenJPEG");
        return;
    };
    let file = referring(&scene, "raw.tif", &raw(&secret));
    let coded = scene.path("coded.jp2");
    let options: RasterCreationOptions = ["WRITE_METADATA=YES"].into_iter().collect();
    let plain_file = Dataset::open(&file).unwrap();
    plain_file.create_copy(&driver, &coded, &options).unwrap();
    let content = fs::read(&coded).unwrap();
    assert!(content.windows(13).any(|bytes| bytes == b"OVERVIEW_FILE"));
    assert_refused(&source(&coded, &[1], plain(DType::UInt8, 0.0)));
}

#[test]
fn formats_that_refer_to_others_are_not_there() {
    let _scene = Scene::new();
    for name in ["VRT", "WMS", "PostGISRaster", "HTTP", "netCDF", "GTI"] {
        assert!(DriverManager::get_driver_by_name(name).is_err(), "{name}");
    }
    for name in ["GTiff", "MEM", "PNG", "JPEG"] {
        assert!(DriverManager::get_driver_by_name(name).is_ok(), "{name}");
    }
}
