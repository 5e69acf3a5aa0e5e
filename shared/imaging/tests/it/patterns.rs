//! The order of the tiles in consolidated files, and that GDAL reads the same whatever it is.

use crate::scene::{Look, Scene, file_values, holed, plain, source, target};
use crate::tools::text;
use cog::{InterlacingPattern, LevelShape, Shape};
use domain::{DType, RecordId, Resampling};
use gdal::Dataset;
use imaging::{ConsolidateSpec, Error, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, fs, path::Path};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];
const SIZE: (usize, usize) = (300, 200);
const BANDS: usize = 2;
const RECORDS: usize = 3;

/// Empty and full tiles, each record with its own.
fn sample(record: usize, band: usize, x: usize, y: usize) -> f64 {
    if x / 64 == record {
        0.0
    } else {
        holed(band + record, x, y)
    }
}

fn spec(scene: &Scene, params: &[(&str, &str)]) -> ConsolidateSpec {
    let mapping = plain(DType::UInt16, 0.0);
    let look = Look {
        dtype: DType::UInt16,
        bands: BANDS,
        size: SIZE,
        transform: GRID,
        ..Look::default()
    };
    let record = |record: usize| {
        let name = format!("{record}.tif");
        let file = scene.raster(&name, look, |band, x, y| sample(record, band, x, y));
        RecordSources {
            id: RecordId::new(),
            sources: vec![source(&file, &[1, 2], mapping)],
        }
    };
    ConsolidateSpec {
        records: (0..RECORDS).map(record).collect(),
        target: target(32632, GRID, SIZE.0 as u32, SIZE.1 as u32),
        mapping,
        bands: BANDS,
        block_size: (64, 64),
        overviews_min_size: 64,
        interlacing_pattern: String::new(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Near,
        creation_params: params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        zstd_level: 1,
        limits: Limits::default(),
    }
}

/// What GDAL tells of a record: its samples, and those of its overviews.
fn levels(out: &Path, record: usize) -> Vec<Vec<f64>> {
    let address = format!("GTIFF_DIR:{}:{}", record + 1, text(out));
    let dataset = Dataset::open(&address).unwrap();
    let mut levels = vec![file_values(&address)];
    for overview in 0..dataset.rasterband(1).unwrap().overview_count().unwrap() as usize {
        let mut values = Vec::new();
        for band in 1..=BANDS {
            let band = dataset
                .rasterband(band)
                .unwrap()
                .overview(overview)
                .unwrap();
            values.extend_from_slice(band.read_band_as::<f64>().unwrap().data());
        }
        levels.push(values);
    }
    levels
}

/// The same of the source. GDAL's nearest kernel picks the pixel beside the corner of its share, of the level before
/// where a compressed file has several bands.
fn expected(record: usize) -> Vec<Vec<f64>> {
    let halved = |positions: &[usize]| -> Vec<usize> {
        let reduced = positions.len().div_ceil(2);
        let ratio = positions.len() as f64 / reduced as f64;
        let pick = |at| positions[(0.5 + at as f64 * ratio) as usize];
        (0..reduced).map(pick).collect()
    };
    let mut columns: Vec<usize> = (0..SIZE.0).collect();
    let mut rows: Vec<usize> = (0..SIZE.1).collect();
    let mut levels = Vec::new();
    for _ in 0..4 {
        let mut values = Vec::new();
        for band in 0..BANDS {
            for y in &rows {
                values.extend(columns.iter().map(|x| sample(record, band, *x, *y)));
            }
        }
        levels.push(values);
        (columns, rows) = (halved(&columns), halved(&rows));
    }
    levels
}

#[test]
fn every_pattern_orders_the_bytes_and_changes_no_pixel() {
    let scene = Scene::new();
    let out = scene.path("out.tif");
    for params in [
        &[("COMPRESS", "ZSTD"), ("PREDICTOR", "2")][..],
        &[("COMPRESS", "LZW")],
    ] {
        let mut spec = spec(&scene, params);
        for text in [
            "Z=0>T>R>B;R>Z=1:>T>B",
            "Z=0>T>R>B;Z=1:>R>T>B",
            "Z>T>R>B",
            "R>Z>T>B",
            "R>Z=1:>T>B;R>Z=0>T>B",
            "L>T>I>P",
            "B>R>Z>T",
            "Z>B>T>R",
            // tiles that no part names come last, tiles named twice come once
            "R=1>Z=0>T>B",
            "R=2,0,2>Z=1:3>T>B;R=:2>Z>T>B",
            "R=7:>Z=9>T>B",
        ] {
            text.clone_into(&mut spec.interlacing_pattern);
            consolidate(&spec, scene.folder(), &out, 2, &|| false).unwrap();
            for record in 0..RECORDS {
                let (found, expected) = (levels(&out, record), expected(record));
                assert_eq!(found.len(), expected.len(), "{text}");
                for (level, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!(
                        found == expected,
                        "{text} {params:?}: {record}, level {level}"
                    );
                }
            }
            in_order(text, &out);
        }
    }
}

/// Tiles follow each other without a gap in the order of the pattern, down to the end of the file.
fn in_order(pattern: &str, out: &Path) {
    let bytes = fs::read(out).unwrap();
    let records = cog::File::read(&bytes).unwrap().records;
    let shape = |level: &cog::Level| LevelShape {
        planes: 1,
        x0: 0,
        y0: 0,
        tiles_x: level.image.tags.blocks_across(),
        tiles_y: level.image.tags.blocks_down(),
    };
    let levels = |record: &cog::Record| record.levels.iter().map(shape).collect();
    let shape = Shape {
        records: records.iter().map(levels).collect(),
    };
    let pattern = InterlacingPattern::parse(pattern).unwrap();
    let (mut end, mut sparse) = (0, 0);
    for tile in cog::order(&pattern, &shape) {
        let image = &records[tile.record as usize].levels[tile.level as usize].image;
        let block = image.block(tile.plane, tile.x, tile.y).unwrap();
        if block.is_sparse() {
            sparse += 1;
            continue;
        }
        assert!(end == 0 || block.offset == end, "{pattern}: {tile:?}");
        end = block.end();
    }
    assert!(sparse >= 4 * RECORDS, "{sparse} sparse tiles");
    assert_eq!(end, bytes.len() as u64, "{pattern}");
}

#[test]
fn other_patterns_are_refused() {
    let scene = Scene::new();
    let out = scene.path("out.tif");
    let mut spec = spec(&scene, &[]);
    for text in [
        "",
        "Z>T>R",
        "T>Z>R>B",
        "Z>T>R>R",
        "X>T>R>B",
        "Z=a>T>R>B",
        "Z=-1>T>R>B",
        "Z=2:1>T>R>B",
        "Z>T=0>R>B",
        "Z>T>R>B;",
        "Z > T > R > B",
    ] {
        text.clone_into(&mut spec.interlacing_pattern);
        let refused = consolidate(&spec, scene.folder(), &out, 1, &|| false).unwrap_err();
        assert!(matches!(refused, Error::Domain(_)), "{text}: {refused}");
        let told = refused.to_string();
        assert!(told.contains("InterlacingPattern is incorrect: "), "{told}");
        assert!(!out.exists(), "{text}");
    }
}
