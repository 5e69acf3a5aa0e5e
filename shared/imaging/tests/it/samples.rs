//! Real images, from the folder that `GEOCUBE_SAMPLES` names.

use crate::{
    scene::{Scene, assert_close, file_values, mapping, render, source, target, values},
    tools::{available, run, text, words},
    warp::gdalwarp,
};
use domain::{DType, RecordId, Resampling};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};
use std::path::PathBuf;

fn files() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("GEOCUBE_SAMPLES") else {
        eprintln!("skipped: needs GEOCUBE_SAMPLES");
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "tif"))
        .collect();
    files.sort();
    files
}

#[test]
fn real_images_are_warped_and_consolidated() {
    let files = files();
    let Some(first) = files.first() else { return };
    let scene = Scene::new();
    let format = mapping(DType::Int16, -1.0, (0.0, 255.0), (0.0, 255.0), 1.0);
    if available("gdalwarp") {
        let grid = target(
            3857,
            [1_115_000.0, 350.0, 0.0, 7_530_000.0, 0.0, -350.0],
            140,
            130,
        );
        for kernel in [Resampling::Near, Resampling::Cubic, Resampling::Average] {
            let image = render(&[source(first, &[1, 2, 3], format)], &grid, &format, kernel);
            assert!(image.any_valid());
            let expected = gdalwarp(
                &scene,
                &[first],
                &grid,
                kernel,
                "-srcnodata -1 -dstnodata -1",
            );
            let tolerance = if kernel == Resampling::Near { 0.0 } else { 1.0 };
            assert_close(&values(&image), &expected, tolerance, kernel.name());
        }
    }
    let info = imaging::inspect(
        &source(first, &[1], format).uri,
        "",
        &domain::Bands::first(3),
    )
    .unwrap();
    let record = |file: &PathBuf| RecordSources {
        id: RecordId::new(),
        sources: vec![source(file, &[1, 2, 3], format)],
    };
    let options = [
        ("COMPRESS", "ZSTD"),
        ("PREDICTOR", "2"),
        ("ZSTD_LEVEL", "0.01"),
    ];
    let spec = ConsolidateSpec {
        records: files.iter().map(record).collect(),
        target: imaging::Target {
            crs: info.crs,
            transform: info.transform,
            size: info.size,
        },
        mapping: format,
        bands: 3,
        block_size: (64, 64),
        overviews_min_size: 32,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Average,
        creation_params: options
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        zstd_level: 1,
        limits: Limits::default(),
    };
    let out = scene.path("out.tif");
    consolidate(&spec, scene.folder(), &out, 2, &|| false).unwrap();
    for (index, file) in files.iter().enumerate() {
        let address = format!("GTIFF_DIR:{}:{}", index + 1, text(&out));
        assert_eq!(
            file_values(&address),
            file_values(&text(file)),
            "{}",
            file.display()
        );
    }
    if available("gdalinfo") {
        let info = run("gdalinfo", &words(&text(&out)));
        assert!(
            info.contains("SUBDATASET_10_NAME") || files.len() < 10,
            "{info}"
        );
    }
}
