//! Files that are fetched before they are merged: as many requests as planned, and none more.

use super::{Bucket, GRID, MIB, TILED, moved};
use crate::scene::{Look, Scene, pattern, plain, render, source, target, values};
use domain::{DType, DataMapping, DatasetSource, RecordId, Resampling, Uri};
use imaging::{ConsolidateSpec, Image, Limits, RecordSources, consolidate, prefetch};
use std::{collections::BTreeMap, fs, path::PathBuf};

const DATES: usize = 40;
const MAPPING_TYPE: DType = DType::UInt16;

fn mapping() -> DataMapping {
    plain(MAPPING_TYPE, 0.0)
}

/// Noise, so that nothing is small by compression.
fn noise(date: usize, x: usize, y: usize) -> f64 {
    let mixed = (x * 7919) ^ (y * 104_729) ^ (date * 1_299_709);
    (1 + mixed.wrapping_mul(2_654_435_761) % 60_000) as f64
}

fn merged(sources: &[DatasetSource], size: u32) -> Image {
    let grid = target(32632, GRID, size, size);
    render(sources, &grid, &mapping(), Resampling::Near)
}

fn fetched(sources: &[DatasetSource], size: u32) {
    let grid = target(32632, GRID, size, size);
    prefetch(sources.iter(), &grid, Resampling::Near, &|| false);
}

/// A file of many records.
fn mucog(scene: &Scene, side: usize) -> (PathBuf, Vec<Vec<f64>>) {
    let look = Look {
        dtype: MAPPING_TYPE,
        size: (side, side),
        ..Look::default()
    };
    let files: Vec<_> = (0..DATES)
        .map(|date| {
            let name = format!("date{date}.tif");
            scene.raster(&name, look, |_, x, y| noise(date, x, y))
        })
        .collect();
    let sources: Vec<_> = files
        .iter()
        .map(|file| source(file, &[1], mapping()))
        .collect();
    let expected = sources
        .iter()
        .map(|source| values(&merged(std::slice::from_ref(source), 256)))
        .collect();
    let record = |source: DatasetSource| RecordSources {
        id: RecordId::new(),
        sources: vec![source],
    };
    let spec = ConsolidateSpec {
        records: sources.into_iter().map(record).collect(),
        target: target(32632, GRID, side as u32, side as u32),
        mapping: mapping(),
        bands: 1,
        block_size: (256, 256),
        overviews_min_size: 256,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Average,
        creation_params: BTreeMap::from([("COMPRESS".to_owned(), "ZSTD".to_owned())]),
        zstd_level: 1,
        limits: Limits::default(),
    };
    let out = scene.path("mucog.tif");
    consolidate(&spec, scene.folder(), &out, 2, &|| false).unwrap();
    (out, expected)
}

#[test]
fn the_records_of_a_block_of_a_mucog_are_planned_together() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let (file, expected) = mucog(&scene, 1024);
    let bytes = fs::metadata(&file).unwrap().len();
    assert!(bytes > 32 * MIB, "{bytes}");
    let uri = bucket.put("mucog.tif", &file);
    let sources: Vec<_> = (1..=DATES)
        .map(|record| DatasetSource {
            subdir: format!("GTIFF_DIR:{record}"),
            ..moved(&source(&file, &[1], mapping()), &uri)
        })
        .collect();
    fetched(&sources, 256);
    let requests = bucket.store.take();
    // one block of 256 pixels of 40 dates, 5 MiB together, which may begin within a block of the cache
    let read: u64 = requests.iter().map(|(_, bytes)| bytes).sum();
    assert!(read <= 8 * MIB, "{requests:?}");
    assert!(requests.len() <= 3, "{requests:?}");
    for (source, expected) in sources.iter().zip(&expected) {
        assert!(values(&merged(std::slice::from_ref(source), 256)) == *expected);
    }
    assert!(bucket.store.take().is_empty(), "all was there");
}

#[test]
fn every_small_file_costs_one_request() {
    let scene = Scene::new();
    let bucket = Bucket::new();
    let look = Look {
        dtype: MAPPING_TYPE,
        size: (256, 256),
        options: TILED,
        ..Look::default()
    };
    let file = scene.raster("small.tif", look, pattern);
    let local = source(&file, &[1], mapping());
    let sources: Vec<_> = (0..100)
        .map(|date| moved(&local, &bucket.put(&format!("{date}.tif"), &file)))
        .collect();
    fetched(&sources, 256);
    let mut asked: Vec<Uri> = bucket
        .store
        .take()
        .into_iter()
        .map(|(uri, _)| uri)
        .collect();
    asked.sort_unstable();
    let mut expected: Vec<Uri> = sources.iter().map(|source| source.uri.clone()).collect();
    expected.sort_unstable();
    assert_eq!(asked, expected);
    let pixels = values(&merged(&[local], 256));
    for source in sources {
        assert!(values(&merged(&[source], 256)) == pixels);
    }
    assert!(bucket.store.take().is_empty(), "all was there");
}

#[test]
fn a_window_of_a_large_file_is_a_few_requests_at_the_same_time() {
    let scene = Scene::new();
    let bucket = Bucket::with(64 << 10, std::time::Duration::from_mins(1));
    let look = Look {
        dtype: MAPPING_TYPE,
        size: (2048, 1024),
        options: &["TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256"],
        ..Look::default()
    };
    let file = scene.raster("large.tif", look, |_, x, y| noise(0, x, y));
    let local = source(&file, &[1], mapping());
    let remote = moved(&local, &bucket.put("large.tif", &file));
    let expected = values(&merged(std::slice::from_ref(&local), 512));
    assert!(values(&merged(&[remote], 512)) == expected);
    let requests = bucket.store.take();
    // the header, then two rows of two neighbouring blocks of 128 KiB, six blocks or 768 KiB apart
    assert_eq!(requests.len(), 3, "{requests:?}");
    let read: u64 = requests.iter().map(|(_, bytes)| bytes).sum();
    assert!(read <= MIB, "{requests:?}");
}
