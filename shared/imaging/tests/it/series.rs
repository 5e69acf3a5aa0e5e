//! The memory that a time series takes.

use crate::scene::{Look, Scene, plain, source, target};
use domain::{DType, RecordId, Resampling};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, fs};

const SIDE: usize = 512;
const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

/// Bytes of a record without compression.
const RECORD: u64 = (SIDE * SIDE * 2) as u64;

/// Most memory that the process has had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.unwrap().split_whitespace().nth(1);
    digits.unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn the_memory_of_a_consolidation_does_not_grow_with_its_records() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let look = Look {
        dtype: DType::UInt16,
        size: (SIDE, SIDE),
        transform: GRID,
        ..Look::default()
    };
    // hardly compressible
    let noise = |x: usize, y: usize| ((x * 7919) ^ (y * 104_729)) * 48_271 % 60_000;
    let file = scene.raster("a.tif", look, |_, x, y| (1 + noise(x, y)) as f64);
    let out = scene.path("out.tif");
    let write = |count: usize, codec: &str| {
        let record = || RecordSources {
            id: RecordId::new(),
            sources: vec![source(&file, &[1], mapping)],
        };
        let spec = ConsolidateSpec {
            records: (0..count).map(|_| record()).collect(),
            target: target(32632, GRID, SIDE as u32, SIDE as u32),
            mapping,
            bands: 1,
            block_size: (256, 256),
            overviews_min_size: -1,
            interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
            resampling: Resampling::Near,
            overview_resampling: Resampling::Average,
            creation_params: BTreeMap::from([("COMPRESS".to_owned(), codec.to_owned())]),
            zstd_level: 1,
            limits: Limits::default(),
        };
        let summary = consolidate(&spec, scene.folder(), &out, 2, &|| false).unwrap();
        assert!(summary.bytes > count as u64 * RECORD / 2);
        peak()
    };
    // as the program does it, and by GDAL record by record
    for codec in ["ZSTD", "LZW", "LERC"] {
        let few = write(40, codec);
        let many = write(200, codec);
        let more = many - few;
        // 160 records more; what the allocator keeps for each thread varies
        assert!(more < 64 * RECORD, "{codec}: {more} bytes more");
    }
}
