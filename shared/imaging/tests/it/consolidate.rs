//! Consolidated files, read back through GDAL.

use crate::scene::{
    Look, Scene, assert_close, file_values, holed, mapping, pattern, plain, render, source, target,
    values,
};
use crate::tools::{available, run, text, words};
use domain::{DType, DataMapping, DatasetSource, RecordId, Resampling};
use imaging::{ConsolidateSpec, Error, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, path::Path};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

fn spec(
    records: Vec<Vec<DatasetSource>>,
    mapping: DataMapping,
    params: &[(&str, &str)],
) -> ConsolidateSpec {
    let bands = records
        .iter()
        .flatten()
        .next()
        .map_or(1, |source| source.bands.count());
    let record = |sources| RecordSources {
        id: RecordId::new(),
        sources,
    };
    ConsolidateSpec {
        records: records.into_iter().map(record).collect(),
        target: target(32632, GRID, 300, 200),
        mapping,
        bands,
        block_size: (64, 64),
        overviews_min_size: 64,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Average,
        creation_params: params
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        zstd_level: 1,
        limits: Limits::default(),
    }
}

const ZSTD: [(&str, &str); 6] = [
    ("COMPRESS", "ZSTD"),
    ("PREDICTOR", "2"),
    ("ZSTD_LEVEL", "0.01"),
    ("COMPRESS_OVERVIEW", "ZSTD"),
    ("PREDICTOR_OVERVIEW", "2"),
    ("ZSTD_LEVEL_OVERVIEW", "0.01"),
];

fn go(spec: &ConsolidateSpec, scene: &Scene, out: &Path) -> imaging::Result<imaging::Summary> {
    let result = consolidate(spec, scene.folder(), out, 2, &|| false);
    let left = std::fs::read_dir(scene.folder()).unwrap();
    let left = left.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("consolidate-")
    });
    assert_eq!(left.count(), 0, "temporary files are left");
    result
}

fn look(dtype: DType, bands: usize) -> Look<'static> {
    Look {
        dtype,
        bands,
        size: (300, 200),
        transform: GRID,
        ..Look::default()
    }
}

#[test]
fn several_records_become_one_file_with_all_their_pixels() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt16, 0.0);
    let files: Vec<_> = (0..5)
        .map(|date| {
            scene.raster(
                &format!("{date}.tif"),
                look(DType::UInt16, 2),
                move |b, x, y| holed(b + date, x, y),
            )
        })
        .collect();
    let mut records: Vec<_> = files
        .iter()
        .map(|file| vec![source(file, &[1, 2], mapping)])
        .collect();
    records.push(Vec::new());
    let spec = spec(records, mapping, &ZSTD);
    let out = scene.path("out.tif");
    let summary = go(&spec, &scene, &out).unwrap();
    assert_eq!((summary.empty_records, summary.alpha), (1, false));
    assert_eq!(summary.bytes, std::fs::metadata(&out).unwrap().len());
    for (index, file) in files.iter().enumerate() {
        let expected = file_values(&text(file));
        let address = format!("GTIFF_DIR:{}:{}", index + 1, text(&out));
        assert_eq!(file_values(&address), expected, "{index}");
        let mut record = source(&out, &[1, 2], mapping);
        record.subdir = format!("GTIFF_DIR:{}", index + 1);
        let image = render(&[record], &spec.target, &mapping, Resampling::Near);
        assert_eq!(values(&image), expected, "{index}");
    }
    assert!(
        file_values(&format!("GTIFF_DIR:6:{}", text(&out)))
            .iter()
            .all(|value| *value == 0.0)
    );
    if available("gdalinfo") {
        let info = run("gdalinfo", &words(&format!("GTIFF_DIR:2:{}", text(&out))));
        for expected in [
            "Block=64x64",
            "Overviews: 150x100, 75x50, 38x25",
            "COMPRESSION=ZSTD",
            "NoData Value=0",
            "cog_tiff_",
        ] {
            assert!(info.contains(expected), "{expected} in {info}");
        }
    }
}

#[test]
fn one_record_becomes_a_cloud_optimised_file() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt8, 0.0);
    let low = scene.raster("low.tif", look(DType::UInt8, 1), pattern);
    let high = scene.raster("high.tif", look(DType::UInt8, 1), |_, x, _| {
        if x < 100 { 250.0 } else { 0.0 }
    });
    let spec = spec(
        vec![vec![
            source(&low, &[1], mapping),
            source(&high, &[1], mapping),
        ]],
        mapping,
        &[],
    );
    let out = scene.path("out.tif");
    go(&spec, &scene, &out).unwrap();
    let found = file_values(&text(&out));
    assert_eq!((found[99], found[100]), (250.0, pattern(0, 100, 0)));
    if available("gdalinfo") {
        assert!(run("gdalinfo", &words(&text(&out))).contains("LAYOUT=COG"));
    }
}

#[test]
fn casts_and_signed_bytes_survive() {
    let scene = Scene::new();
    let from = mapping(DType::Int16, -1.0, (0.0, 10_000.0), (0.0, 1.0), 1.0);
    let file = scene.raster(
        "i16.tif",
        Look {
            no_data: None,
            ..look(DType::Int16, 1)
        },
        |_, x, y| if x == y { -1.0 } else { (x * 10) as f64 },
    );
    let to = mapping(DType::Int8, -128.0, (-100.0, 100.0), (0.0, 1.0), 1.0);
    let spec = spec(vec![vec![source(&file, &[1], from)]], to, &ZSTD);
    let out = scene.path("out.tif");
    go(&spec, &scene, &out).unwrap();
    let image = render(
        &[source(&out, &[1], to)],
        &spec.target,
        &to,
        Resampling::Near,
    );
    assert_eq!(image.dtype(), DType::Int8);
    let found = values(&image);
    assert_eq!((found[0], found[1], found[250]), (-128.0, -100.0, -50.0));
}

#[test]
fn lossy_files_keep_their_holes_in_an_alpha_band() {
    let scene = Scene::new();
    for (bands, expected) in [(1, 2), (3, 4)] {
        let mapping = plain(DType::UInt8, 0.0);
        let file = scene.raster("a.tif", look(DType::UInt8, bands), |b, x, y| {
            if x < 150 { 0.0 } else { pattern(b, x, y) }
        });
        let numbers: Vec<i64> = (1..=bands as i64).collect();
        let spec = spec(
            vec![vec![source(&file, &numbers, mapping)]],
            mapping,
            &[("COMPRESS", "JPEG"), ("COMPRESS_OVERVIEW", "JPEG")],
        );
        let out = scene.path("out.tif");
        let summary = go(&spec, &scene, &out).unwrap();
        assert!(summary.alpha);
        assert_eq!(gdal::Dataset::open(&out).unwrap().raster_count(), expected);
        let image = render(
            &[source(&out, &numbers, mapping)],
            &spec.target,
            &mapping,
            Resampling::Near,
        );
        let found = values(&image);
        for row in 0..200 {
            for column in 0..300 {
                let value = found[row * 300 + column];
                if column < 140 {
                    assert_eq!(value, 0.0, "{column},{row}");
                } else if column > 160 {
                    assert!(value > 0.0, "{column},{row}");
                }
            }
        }
        let inside: Vec<f64> = (0..200 * 300)
            .filter(|i| i % 300 > 170)
            .map(|i| found[i])
            .collect();
        let original: Vec<f64> = (0..200 * 300)
            .filter(|i| i % 300 > 170)
            .map(|i| pattern(0, i % 300, i / 300))
            .collect();
        assert_close(&inside, &original, 60.0, "jpeg");
    }
}

#[test]
fn blocks_need_not_be_square() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt8, 0.0);
    let file = scene.raster("a.tif", look(DType::UInt8, 1), holed);
    let records = vec![
        vec![source(&file, &[1], mapping)],
        vec![source(&file, &[1], mapping)],
    ];
    let spec = ConsolidateSpec {
        block_size: (128, 32),
        ..spec(records, mapping, &ZSTD)
    };
    let out = scene.path("out.tif");
    go(&spec, &scene, &out).unwrap();
    assert_eq!(
        file_values(&format!("GTIFF_DIR:2:{}", text(&out))),
        file_values(&text(&file))
    );
    let dataset = gdal::Dataset::open(format!("GTIFF_DIR:2:{}", text(&out))).unwrap();
    let band = dataset.rasterband(1).unwrap();
    assert_eq!(
        (band.block_size(), band.overview_count().unwrap()),
        ((128, 32), 3)
    );
    assert_eq!(band.overview(0).unwrap().block_size(), (128, 32));
}

#[test]
fn what_cannot_be_written_says_why() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt8, 0.0);
    let file = scene.raster("a.tif", look(DType::UInt8, 1), pattern);
    let good = spec(vec![vec![source(&file, &[1], mapping)]], mapping, &[]);
    let out = scene.path("out.tif");
    let cases: Vec<(ConsolidateSpec, &str)> = vec![
        (
            ConsolidateSpec {
                records: Vec::new(),
                ..good.clone()
            },
            "records: expected at least one",
        ),
        (
            ConsolidateSpec {
                block_size: (100, 64),
                ..good.clone()
            },
            "block size: 100x64",
        ),
        (
            ConsolidateSpec {
                interlacing_pattern: "T>Z>R>B".to_owned(),
                ..good.clone()
            },
            "InterlacingPattern is incorrect",
        ),
        (
            ConsolidateSpec {
                bands: 2,
                ..good.clone()
            },
            "expected 2",
        ),
        (
            ConsolidateSpec {
                overviews_min_size: -2,
                ..good.clone()
            },
            "overviews_min_size: -2",
        ),
        (
            ConsolidateSpec {
                zstd_level: 0,
                ..good.clone()
            },
            "zstd level: 0",
        ),
    ];
    for (spec, text) in cases {
        let error = go(&spec, &scene, &out).unwrap_err();
        assert!(error.to_string().contains(text), "{text}: {error}");
        assert!(matches!(error, Error::Domain(_)));
        assert!(!out.exists());
    }
    let cancelled = consolidate(&good, scene.folder(), &out, 2, &|| true);
    assert!(matches!(cancelled, Err(Error::Cancelled)));
    let mut missing = good.clone();
    missing.records[0].sources[0] = source(Path::new("/nowhere/a.tif"), &[1], mapping);
    assert!(matches!(
        go(&missing, &scene, &out),
        Err(Error::Open { .. })
    ));
}

#[test]
fn signed_bytes_survive_lossy_codecs() {
    let scene = Scene::new();
    let mapping = plain(DType::Int8, -128.0);
    let sample = |_: usize, x: usize, y: usize| {
        if (x / 20 + y / 20).is_multiple_of(3) {
            -128.0
        } else {
            (x % 200) as f64 - 100.0
        }
    };
    let look = Look {
        no_data: Some(-128.0),
        ..look(DType::Int8, 1)
    };
    let file = scene.raster("a.tif", look, sample);
    let expected: Vec<f64> = (0..300 * 200)
        .map(|at| sample(0, at % 300, at / 300))
        .collect();
    for params in [
        &[("COMPRESS", "LERC"), ("MAX_Z_ERROR", "0.01")][..],
        &[("COMPRESS", "JPEG"), ("JPEG_QUALITY", "90")],
        &[("COMPRESS", "JPEG"), ("PHOTOMETRIC", "YCBCR")],
    ] {
        let records = vec![vec![source(&file, &[1], mapping)]; 2];
        let spec = spec(records, mapping, params);
        let out = scene.path("out.tif");
        go(&spec, &scene, &out).unwrap();
        let mut record = source(&out, &[1], mapping);
        record.subdir = "GTIFF_DIR:2".to_owned();
        let image = render(&[record], &spec.target, &mapping, Resampling::Near);
        assert_eq!(values(&image), expected, "{params:?}");
    }
}

#[test]
fn ycbcr_files_keep_their_holes_in_a_mask() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt8, 0.0);
    let sample = |band: usize, x: usize, _: usize| {
        if x < 128 {
            0.0
        } else {
            (100 + 20 * band) as f64
        }
    };
    let file = scene.raster("a.tif", look(DType::UInt8, 3), sample);
    let params = [("COMPRESS", "JPEG"), ("PHOTOMETRIC", "YCBCR")];
    let spec = spec(
        vec![vec![source(&file, &[1, 2, 3], mapping)]],
        mapping,
        &params,
    );
    let out = scene.path("out.tif");
    assert!(!go(&spec, &scene, &out).unwrap().alpha);
    if available("gdalinfo") {
        let info = run("gdalinfo", &words(&text(&out)));
        for expected in ["YCbCr JPEG", "Mask Flags: PER_DATASET", "LAYOUT=COG"] {
            assert!(info.contains(expected), "{expected} in {info}");
        }
    }
    let datasets = [source(&out, &[1, 2, 3], mapping)];
    let image = render(&datasets, &spec.target, &mapping, Resampling::Near);
    for (at, value) in values(&image).into_iter().enumerate() {
        let (band, x, y) = (at / (300 * 200), at % 300, at / 300 % 200);
        let expected = sample(band, x, y);
        // the last cells of 16 x 16 pixels share their colour with what lies beyond the image
        let tolerance = if x < 288 && y < 192 { 3.0 } else { 16.0 };
        let holds = expected != 0.0 || value == 0.0;
        assert!(
            holds && (value - expected).abs() <= tolerance,
            "band {band} at {x},{y}: {value}, expected {expected}"
        );
    }
}

#[test]
fn overviews_have_the_masks_of_their_file() {
    let scene = Scene::new();
    let mapping = plain(DType::UInt8, 0.0);
    let file = scene.raster("a.tif", look(DType::UInt8, 1), holed);
    let params = [("COMPRESS", "JPEG"), ("JPEG_QUALITY", "10")];
    for kernel in [Resampling::Near, Resampling::Average] {
        let masks = |block_size, records: usize| {
            let records = vec![vec![source(&file, &[1], mapping)]; records];
            let spec = ConsolidateSpec {
                block_size,
                overview_resampling: kernel,
                ..spec(records.clone(), mapping, &params)
            };
            let out = scene.path("out.tif");
            go(&spec, &scene, &out).unwrap();
            let subdir = match records.len() {
                1 => String::new(),
                last => format!("GTIFF_DIR:{last}:"),
            };
            let dataset = gdal::Dataset::open(format!("{subdir}{}", text(&out))).unwrap();
            let band = dataset.rasterband(1).unwrap();
            let mask = |level| {
                let band = band.overview(level).unwrap();
                assert!(band.mask_flags().unwrap().is_per_dataset());
                let mask = band.open_mask_band().unwrap().read_band_as::<u8>();
                mask.unwrap().data().to_vec()
            };
            (0..band.overview_count().unwrap() as usize)
                .map(mask)
                .collect::<Vec<_>>()
        };
        // overviews of square blocks are made inside the file, others in files of their own
        let inside = masks((64, 64), 1);
        assert_eq!(inside.len(), 3);
        let expected = (0..100).flat_map(|y| (0..150).map(move |x| (2 * x, 2 * y)));
        let expected = expected.map(|(x, y)| {
            let first = holed(0, x, y) != 0.0;
            let others = [(1, 0), (0, 1), (1, 1)];
            let any = others
                .iter()
                .any(|(dx, dy)| holed(0, x + dx, y + dy) != 0.0);
            u8::from(first || kernel == Resampling::Average && any) * 255
        });
        assert!(inside[0].iter().copied().eq(expected), "{kernel:?}");
        for (block_size, records) in [((64, 64), 2), ((128, 32), 1), ((128, 32), 2)] {
            assert_eq!(
                masks(block_size, records),
                inside,
                "{block_size:?} {records}"
            );
        }
    }
}
