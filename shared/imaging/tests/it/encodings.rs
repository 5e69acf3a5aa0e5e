//! Every sample type in every compression that may be asked for, read back by this crate and by GDAL.

use crate::scene::{Look, Scene, file_values, plain, render, source, target, values};
use crate::tools::text;
use domain::{
    Compression, ConsolidationParams, DType, DataMapping, RecordId, Resampling, StorageClass,
};
use gdal::{Dataset, raster::ColorInterpretation};
use imaging::{ConsolidateSpec, Limits, RecordSources, consolidate};
use std::{collections::BTreeMap, path::Path};

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];
const WIDTH: usize = 150;
const HEIGHT: usize = 100;

/// How far samples may be from what was indexed.
#[derive(Clone, Copy, Debug)]
enum Tolerance {
    Exact,
    /// For every sample.
    Most(f64),
    /// On average.
    Mean(f64),
}

/// One order, and how well its samples survive.
struct Case {
    dtype: DType,
    bands: usize,
    compression: Compression,
    params: &'static [(&'static str, &'static str)],
    tolerance: Tolerance,
}

const DTYPES: [DType; 8] = [
    DType::UInt8,
    DType::Int8,
    DType::UInt16,
    DType::Int16,
    DType::UInt32,
    DType::Int32,
    DType::Float32,
    DType::Float64,
];

fn hole(dtype: DType) -> f64 {
    match dtype {
        DType::Int8 => -128.0,
        DType::Int16 | DType::Int32 => -9999.0,
        DType::Float64 => f64::NAN,
        _ => 0.0,
    }
}

/// A wave over most of the range of the type; whole squares and single pixels are holes.
fn sample(dtype: DType, record: usize, band: usize, x: usize, y: usize) -> f64 {
    if is_hole(record, x, y) {
        return hole(dtype);
    }
    let wave = (x as f64 * 0.05 + record as f64).sin() * (y as f64 * 0.04 + band as f64).cos();
    match dtype {
        DType::UInt8 => (130.0 + 90.0 * wave).round(),
        DType::Int8 => (100.0 * wave).round(),
        DType::UInt16 => (33_000.0 + 32_000.0 * wave).round(),
        DType::Int16 => (30_000.0 * wave).round(),
        DType::UInt32 => (2_100_000_000.0 + 2_000_000_000.0 * wave).round(),
        DType::Int32 => (2_000_000_000.0 * wave).round(),
        DType::Float32 => f64::from((1.5 + wave) as f32),
        _ => 1e9 * wave + 0.123_456_789,
    }
}

fn is_hole(record: usize, x: usize, y: usize) -> bool {
    ((x / 7 + y / 5 + record).is_multiple_of(6)) || (x * 7 + y * 13).is_multiple_of(97)
}

fn indices() -> impl Iterator<Item = (usize, usize)> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
}

impl Case {
    /// Options as the catalogue stores them.
    fn options(&self, mapping: DataMapping) -> BTreeMap<String, String> {
        let params = self.params.iter();
        let params = ConsolidationParams {
            format: mapping.format,
            exponent: 1.0,
            resampling: Resampling::Near,
            compression: self.compression,
            storage_class: StorageClass::Standard,
            creation_params: params
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let params = params.complete(&mapping.format, self.bands);
        params.unwrap().creation_params
    }

    /// An order without records.
    fn spec(&self, mapping: DataMapping) -> ConsolidateSpec {
        ConsolidateSpec {
            records: Vec::new(),
            target: target(32632, GRID, WIDTH as u32, HEIGHT as u32),
            mapping,
            bands: self.bands,
            block_size: (64, 64),
            overviews_min_size: 64,
            interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
            resampling: Resampling::Near,
            overview_resampling: Resampling::Near,
            creation_params: self.options(mapping),
            zstd_level: 1,
            limits: Limits::default(),
        }
    }

    fn check(&self, records: usize) {
        let scene = Scene::new();
        let mapping = plain(self.dtype, hole(self.dtype));
        let numbers: Vec<i64> = (1..=self.bands as i64).collect();
        let look = Look {
            dtype: self.dtype,
            bands: self.bands,
            size: (WIDTH, HEIGHT),
            transform: GRID,
            no_data: Some(hole(self.dtype)),
            ..Look::default()
        };
        let record = |record| {
            let file = scene.raster(&format!("{record}.tif"), look, |band, x, y| {
                sample(self.dtype, record, band, x, y)
            });
            RecordSources {
                id: RecordId::new(),
                sources: vec![source(&file, &numbers, mapping)],
            }
        };
        let spec = ConsolidateSpec {
            records: (0..records).map(record).collect(),
            ..self.spec(mapping)
        };
        let out = scene.path("out.tif");
        consolidate(&spec, scene.folder(), &out, 1, &|| false).unwrap();
        for index in 0..records {
            let what = format!(
                "{} {} bands {:?} {:?}, record {index} of {records}",
                self.dtype, self.bands, self.compression, self.params
            );
            let mut dataset = source(&out, &numbers, mapping);
            if records > 1 {
                dataset.subdir = format!("GTIFF_DIR:{}", index + 1);
            }
            let image = render(&[dataset], &spec.target, &mapping, Resampling::Near);
            let ours = self.of_merge(&values(&image));
            self.compare(index, &ours, &format!("{what}, merged"));
            let library = self.of_library(&out, records, index);
            self.compare(index, &library, &format!("{what}, by GDAL"));
        }
    }

    /// Samples with nothing in the holes.
    fn of_merge(&self, values: &[f64]) -> Vec<Option<f64>> {
        let hole = hole(self.dtype);
        let valid = |value: &f64| *value != hole && !value.is_nan();
        values
            .iter()
            .map(|value| valid(value).then_some(*value))
            .collect()
    }

    /// The same from what GDAL alone tells of the file: its mask, else its alpha band, else its hole marker.
    fn of_library(&self, out: &Path, records: usize, index: usize) -> Vec<Option<f64>> {
        let address = match records {
            1 => text(out),
            _ => format!("GTIFF_DIR:{}:{}", index + 1, text(out)),
        };
        let mut samples = file_values(&address);
        if self.dtype == DType::Int8 {
            for value in &mut samples {
                *value = f64::from(*value as u8 as i8);
            }
        }
        let dataset = Dataset::open(&address).unwrap();
        let first = dataset.rasterband(1).unwrap();
        let (samples, alpha) = samples.split_at(self.bands * WIDTH * HEIGHT);
        let flags = first.mask_flags().unwrap();
        let opacity: Vec<f64> = if flags.is_per_dataset() && !flags.is_alpha() {
            let mask = first.open_mask_band().unwrap().read_band_as::<u8>();
            let mask = mask.unwrap();
            mask.data().iter().map(|value| f64::from(*value)).collect()
        } else if alpha.is_empty() {
            let declared = first.no_data_value().unwrap();
            assert!(declared == hole(self.dtype) || declared.is_nan());
            return self.of_merge(samples);
        } else {
            // opaque for GDAL's warper, too
            let opaque = match self.dtype {
                DType::UInt16 => 65_535.0,
                DType::Int16 => 32_767.0,
                _ => 255.0,
            };
            alpha.iter().map(|alpha| alpha / opaque * 255.0).collect()
        };
        let valid = opacity.iter().map(|opacity| *opacity > 63.0).cycle();
        let samples = samples.iter().zip(valid);
        samples
            .map(|(value, valid)| valid.then_some(*value))
            .collect()
    }

    fn compare(&self, record: usize, found: &[Option<f64>], what: &str) {
        assert_eq!(found.len(), self.bands * WIDTH * HEIGHT, "{what}");
        let (mut sum, mut valid) = (0.0, 0);
        for (band, found) in found.chunks(WIDTH * HEIGHT).enumerate() {
            for ((x, y), found) in indices().zip(found) {
                let at = format!("{what}, band {band} at {x},{y}: {found:?}");
                let expected = sample(self.dtype, record, band, x, y);
                assert_eq!(found.is_none(), is_hole(record, x, y), "{at}");
                let Some(found) = found else { continue };
                let apart = (found - expected).abs();
                match self.tolerance {
                    Tolerance::Exact => assert_eq!(*found, expected, "{at}"),
                    Tolerance::Most(most) => assert!(apart <= most, "{at}, expected {expected}"),
                    Tolerance::Mean(_) => sum += apart,
                }
                valid += 1;
            }
        }
        if let Tolerance::Mean(most) = self.tolerance {
            let mean = sum / f64::from(valid);
            assert!(mean <= most, "{what}: {mean} apart on average");
        }
    }
}

#[test]
fn every_type_survives_every_compression() {
    use Compression::{Lossless, Lossy, No};
    for dtype in DTYPES {
        for (compression, tolerance) in [
            (No, Tolerance::Exact),
            (Lossless, Tolerance::Exact),
            (Lossy, Tolerance::Most(0.01)),
        ] {
            let case = Case {
                dtype,
                bands: 1,
                compression,
                params: &[],
                tolerance,
            };
            case.check(1);
            case.check(3);
        }
    }
}

#[test]
fn the_last_of_four_bands_is_not_taken_for_alpha() {
    const LOSSLESS: &[(&str, &str)] = &[];
    for (compression, params) in [
        (Compression::No, LOSSLESS),
        (Compression::Lossless, LOSSLESS),
        (Compression::No, &[("COMPRESS", "LZW")]),
        (Compression::No, &[("COMPRESS", "LERC")]),
        (Compression::Custom, &[("COMPRESS", "JPEG")]),
        (
            Compression::No,
            &[("COMPRESS", "ZSTD"), ("PHOTOMETRIC", "RGB")],
        ),
    ] {
        let what = format!("{compression:?} {params:?}");
        let case = Case {
            dtype: DType::UInt8,
            bands: 4,
            compression,
            params,
            tolerance: Tolerance::Exact,
        };
        let scene = Scene::new();
        let mapping = plain(DType::UInt8, f64::NAN);
        let look = Look {
            bands: 4,
            size: (WIDTH, HEIGHT),
            transform: GRID,
            ..Look::default()
        };
        let file = scene.raster("a.tif", look, |band, x, _| match band {
            3 if x < WIDTH / 2 => 0.0,
            _ => 100.0 + 10.0 * band as f64,
        });
        let spec = ConsolidateSpec {
            records: vec![RecordSources {
                id: RecordId::new(),
                sources: vec![source(&file, &[1, 2, 3, 4], mapping)],
            }],
            overviews_min_size: 32,
            overview_resampling: Resampling::Average,
            ..case.spec(mapping)
        };
        let out = scene.path("out.tif");
        consolidate(&spec, scene.folder(), &out, 1, &|| false).unwrap();
        let dataset = Dataset::open(&out).unwrap();
        for number in 1..=4 {
            let band = dataset.rasterband(number).unwrap();
            let what = format!("{what}, band {number}");
            assert_ne!(
                band.color_interpretation(),
                ColorInterpretation::AlphaBand,
                "{what}"
            );
            assert!(band.mask_flags().unwrap().is_all_valid(), "{what}");
            let overview = band.overview(0).unwrap().read_band_as::<u8>().unwrap();
            let expected = 90.0 + 10.0 * number as f64;
            let first = f64::from(overview.data()[0]);
            let expected = if number == 4 { 0.0 } else { expected };
            assert!((first - expected).abs() <= 3.0, "{what}: {first}");
        }
    }
}

#[test]
fn pictures_keep_exact_holes_whatever_their_quality() {
    const CODEC: (&str, &str) = ("COMPRESS", "JPEG");
    const YCBCR: (&str, &str) = ("PHOTOMETRIC", "YCBCR");
    for (params, mean) in [
        (&[CODEC][..], 6.0),
        (&[CODEC, ("JPEG_QUALITY", "100")], 0.5),
        (&[CODEC, ("JPEG_QUALITY", "90")], 3.0),
        (&[CODEC, ("JPEG_QUALITY", "5")], 40.0),
        (&[CODEC, ("JPEGTABLESMODE", "0")], 6.0),
        (&[CODEC, ("JPEGTABLESMODE", "3")], 6.0),
    ] {
        for (dtype, bands, tolerance) in [
            (DType::UInt8, 1, Tolerance::Mean(mean)),
            (DType::UInt8, 3, Tolerance::Mean(mean)),
            (DType::UInt8, 4, Tolerance::Mean(mean)),
            // signed bytes are compressed without loss
            (DType::Int8, 1, Tolerance::Exact),
        ] {
            let case = Case {
                dtype,
                bands,
                compression: Compression::Custom,
                params,
                tolerance,
            };
            case.check(1);
            case.check(3);
        }
    }
    for (params, mean) in [
        (&[CODEC, YCBCR][..], 12.0),
        (&[CODEC, YCBCR, ("JPEG_QUALITY", "100")], 6.0),
    ] {
        let case = Case {
            dtype: DType::UInt8,
            bands: 3,
            compression: Compression::Custom,
            params,
            tolerance: Tolerance::Mean(mean),
        };
        case.check(1);
        case.check(3);
    }
}

#[test]
fn what_is_accepted_can_be_written() {
    const LERC: (&str, &str) = ("COMPRESS", "LERC");
    for (dtype, bands, params, tolerance) in [
        (
            DType::UInt16,
            1,
            &[LERC, ("MAX_Z_ERROR", "300")][..],
            Tolerance::Most(300.0),
        ),
        (
            DType::Int8,
            1,
            &[LERC, ("MAX_Z_ERROR", "70")],
            Tolerance::Most(70.0),
        ),
        (
            DType::Float32,
            2,
            &[LERC, ("MAX_Z_ERROR", "0.5")],
            Tolerance::Most(0.5),
        ),
        (
            DType::Int32,
            1,
            &[("COMPRESS", "LERC_DEFLATE")],
            Tolerance::Exact,
        ),
        (
            DType::Float32,
            1,
            &[("COMPRESS", "DEFLATE"), ("PREDICTOR", "3")],
            Tolerance::Exact,
        ),
        (
            DType::Float64,
            1,
            &[("COMPRESS", "ZSTD"), ("PREDICTOR", "3")],
            Tolerance::Exact,
        ),
        (
            DType::Float64,
            1,
            &[("COMPRESS", "LZW"), ("PREDICTOR", "2")],
            Tolerance::Exact,
        ),
        (
            DType::Int8,
            3,
            &[("COMPRESS", "LZW"), ("PREDICTOR", "2")],
            Tolerance::Exact,
        ),
        (
            DType::Int16,
            1,
            &[("COMPRESS", "PACKBITS"), ("PREDICTOR", "2")],
            Tolerance::Exact,
        ),
        (DType::UInt32, 1, &[("COMPRESS", "LZMA")], Tolerance::Exact),
        (
            DType::UInt8,
            1,
            &[("COMPRESS", "NONE"), ("ZSTD_LEVEL", "22")],
            Tolerance::Exact,
        ),
        (
            DType::UInt8,
            3,
            &[("COMPRESS", "WEBP")],
            Tolerance::Mean(12.0),
        ),
        (
            DType::UInt8,
            1,
            &[("COMPRESS", "ZSTD"), ("COMPRESS_OVERVIEW", "JPEG")],
            Tolerance::Exact,
        ),
        (DType::UInt8, 1, &[("JPEG_QUALITY", "50")], Tolerance::Exact),
        (DType::UInt8, 1, &[("PHOTOMETRIC", "RGB")], Tolerance::Exact),
        (
            DType::UInt8,
            1,
            &[("PHOTOMETRIC", "MINISWHITE")],
            Tolerance::Exact,
        ),
    ] {
        let case = Case {
            dtype,
            bands,
            compression: Compression::No,
            params,
            tolerance,
        };
        case.check(1);
        case.check(2);
    }
}
