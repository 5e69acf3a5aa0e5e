//! Files that the raster library opens again by name, from threads of its own.

use super::{Bucket, GRID, moved};
use crate::scene::{Look, Scene, plain, render, source, target, values};
use domain::{DType, Resampling};
use gdal::{
    Dataset, DriverManager,
    config::{clear_thread_local_config_option, set_thread_local_config_option},
    raster::RasterCreationOptions,
};

#[test]
fn a_remote_file_is_decoded_by_several_threads() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let Ok(driver) = DriverManager::get_driver_by_name("JP2OpenJPEG") else {
        eprintln!("skipped: needs the driver JP2OpenJPEG");
        return;
    };
    let look = Look {
        size: (512, 512),
        no_data: None,
        ..Look::default()
    };
    let file = scene.raster("plain.tif", look, |_, x, y| {
        ((x * 7) ^ (y * 3)) as f64 % 251.0
    });
    let coded = scene.path("coded.jp2");
    let options = [
        "QUALITY=100",
        "REVERSIBLE=YES",
        "BLOCKXSIZE=128",
        "BLOCKYSIZE=128",
    ];
    let options: RasterCreationOptions = options.iter().copied().collect();
    let plain_file = Dataset::open(&file).unwrap();
    plain_file.create_copy(&driver, &coded, &options).unwrap();

    let mapping = plain(DType::UInt8, 255.0);
    let local = source(&coded, &[1], mapping);
    let remote = moved(&local, &bucket.put("coded.jp2", &coded));
    let grid = target(32632, GRID, 512, 512);
    let read = |source| {
        let image = render(&[source], &grid, &mapping, Resampling::Near);
        assert_eq!(image.reads().library, 1);
        values(&image)
    };
    set_thread_local_config_option("GDAL_NUM_THREADS", "4").unwrap();
    let pixels = (read(local), read(remote));
    clear_thread_local_config_option("GDAL_NUM_THREADS").unwrap();
    assert!(pixels.0.iter().any(|value| *value > 200.0));
    assert!(pixels.0 == pixels.1, "both are the same file");
}
