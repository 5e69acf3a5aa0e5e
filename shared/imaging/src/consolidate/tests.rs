//! What this program encodes, beside what GDAL makes of the same records.

use super::*;
use crate::{Crs, Limits, Options, Target, init};
use cog::{PlanLimits, ReadAt, Window, WindowReader};
use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, RecordId, Resampling, Size,
    Uri,
};
use gdal::{DriverManager, raster::Buffer, spatial_ref::SpatialRef};
use std::sync::Once;

const GRID: [f64; 6] = [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0];

fn mapping(dtype: DType, no_data: f64) -> DataMapping {
    let (min, max) = if dtype.is_integer() {
        dtype.bounds()
    } else {
        (-1e6, 1e6)
    };
    DataMapping::identity(DataFormat::try_new(dtype, no_data, min, max).unwrap())
}

/// Noise with holes, whole tiles among them.
fn noise(hole: f64, band: usize, x: usize, y: usize) -> f64 {
    if x < 140 && y < 200 || (x / 3 + y / 7).is_multiple_of(5) {
        return if hole.is_nan() { 0.0 } else { hole };
    }
    let mut word = (x * 31 + y * 1_013 + band * 77_777) as u64 ^ 0x9e37_79b9_7f4a_7c15;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (word >> 57) as f64
}

/// Writes a file of samples given by band, column and row.
fn file(
    path: &Path,
    dtype: DType,
    bands: usize,
    size: (usize, usize),
    sample: impl Fn(usize, usize, usize) -> f64,
) {
    static INIT: Once = Once::new();
    INIT.call_once(|| init(&Options::default()).unwrap());
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    macro_rules! create {
        ($type:ty) => {
            driver.create_with_band_type::<$type, _>(path, size.0, size.1, bands)
        };
    }
    let mut dataset = match dtype {
        DType::UInt8 => create!(u8),
        DType::UInt16 => create!(u16),
        DType::Int32 => create!(i32),
        DType::Float32 => create!(f32),
        // GDAL has no signed bytes
        DType::Int8 | DType::Int16 => create!(i16),
        _ => create!(f64),
    }
    .unwrap();
    dataset.set_geo_transform(&GRID).unwrap();
    dataset
        .set_spatial_ref(&SpatialRef::from_epsg(32632).unwrap())
        .unwrap();
    for band in 0..bands {
        let samples = (0..size.0 * size.1).map(|at| sample(band, at % size.0, at / size.0));
        let mut buffer = Buffer::new(size, samples.collect::<Vec<f64>>());
        let mut raster = dataset.rasterband(band + 1).unwrap();
        raster.write((0, 0), size, &mut buffer).unwrap();
    }
}

fn spec(path: &Path, mapping: DataMapping, bands: usize, size: (usize, usize)) -> ConsolidateSpec {
    let numbers: Vec<i64> = (1..=bands as i64).collect();
    let source = DatasetSource {
        uri: Uri::parse(path.to_str().unwrap()).unwrap(),
        subdir: String::new(),
        bands: Bands::try_new(&numbers).unwrap(),
        mapping,
    };
    ConsolidateSpec {
        records: vec![
            RecordSources {
                id: RecordId::new(),
                sources: vec![source],
            },
            RecordSources {
                id: RecordId::new(),
                sources: Vec::new(),
            },
        ],
        target: Target {
            crs: Crs::parse("32632").unwrap(),
            transform: GeoTransform::try_new(GRID).unwrap(),
            size: Size {
                width: size.0 as u32,
                height: size.1 as u32,
            },
        },
        mapping,
        bands,
        block_size: (64, 64),
        overviews_min_size: 64,
        interlacing_pattern: "R>Z>T>B".to_owned(),
        resampling: Resampling::Near,
        overview_resampling: Resampling::Near,
        creation_params: std::collections::BTreeMap::new(),
        zstd_level: 1,
        limits: Limits::default(),
    }
}

/// What is stored of every level of every record: tags, which tiles are sparse, and samples.
type Contents = Vec<Vec<(cog::ImageTags, Vec<bool>, Vec<u8>)>>;

fn contents(spec: &ConsolidateSpec, plan: Option<Plan>, hole: &[u8], folder: &Path) -> Contents {
    let work = Work {
        spec,
        plan: plan.map(Arc::new),
        folder,
        spill: Arc::new(Spill::create(folder).unwrap()),
        cancel: &|| false,
        failed: AtomicBool::new(false),
    };
    let mut reader = WindowReader::new(PlanLimits {
        max_gap: 0,
        max_len: 1 << 20,
    });
    let mut read = |source: &dyn ReadAt, image: &cog::Image| {
        let tags = &image.tags;
        let window = Window {
            x: 0,
            y: 0,
            width: tags.width,
            height: tags.height,
        };
        let samples: Vec<u16> = (0..tags.samples).collect();
        let bytes = usize::from(tags.bits_per_sample[0] / 8);
        let pixels = tags.width as usize * tags.height as usize;
        let mut out = vec![0; samples.len() * pixels * bytes];
        reader
            .read(source, image, &samples, window, hole, &mut out)
            .unwrap();
        out
    };
    let encoded = work.encode_all(2).unwrap();
    let spill = &work.spill;
    let mut records = Vec::new();
    for one in encoded {
        let source = one.tiles.into_source(spill, String::new()).unwrap();
        let levels = source.record().levels.iter().map(|level| {
            let image = &level.image;
            let sparse = image.blocks.iter().map(cog::Block::is_sparse).collect();
            (image.tags.clone(), sparse, read(spill.as_ref(), image))
        });
        records.push(levels.collect());
    }
    records
}

#[test]
fn tiles_encoded_here_hold_what_gdal_stores() {
    // more overviews than a row of blocks can be halved, over several strips
    const TALL: (usize, usize) = (2048, 2048);
    const FLAT: (u32, u32) = (64, 16);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.tif");
    let lossless = [("COMPRESS", "ZSTD"), ("PREDICTOR", "2")];
    let deflate = [("COMPRESS", "DEFLATE"), ("ZLEVEL", "1")];
    let apart = [("COMPRESS", "ZSTD"), ("INTERLEAVE", "BAND")];
    let mut wrong = Vec::new();
    for (dtype, no_data, bands, size, params) in [
        (DType::UInt16, 0.0, 1, (512, 384), &lossless[..]),
        (DType::UInt8, 0.0, 3, (300, 201), &lossless),
        (DType::UInt8, f64::NAN, 1, (300, 201), &[]),
        (DType::Int16, -9999.0, 2, (333, 256), &deflate),
        (DType::Int32, 7.0, 1, (257, 300), &deflate),
        (DType::Float32, f64::NAN, 3, (512, 384), &lossless),
        (DType::Float64, -1.0, 1, (300, 201), &[]),
        (DType::Int8, -128.0, 1, (300, 201), &lossless),
        (DType::UInt16, 0.0, 3, (512, 384), &apart),
        (DType::UInt8, 0.0, 4, (300, 201), &apart),
        (DType::Float64, -1.0, 1, (300, 201), &apart),
        (DType::UInt16, 0.0, 1, TALL, &[]),
    ] {
        let mapping = mapping(dtype, no_data);
        file(&path, dtype, bands, size, |band, x, y| {
            noise(no_data, band, x, y)
        });
        for (kernel, block) in [
            (Resampling::Near, (64, 64)),
            (Resampling::Near, (32, 128)),
            (Resampling::Average, (64, 64)),
            (Resampling::Average, (128, 16)),
            (Resampling::Average, FLAT),
            (Resampling::Mode, (64, 64)),
            (Resampling::Cubic, (64, 64)),
        ] {
            if (size == TALL) != (block == FLAT) {
                continue;
            }
            // GDAL takes signed bytes for unsigned ones, and their holes for values
            if dtype == DType::Int8 && kernel != Resampling::Near {
                continue;
            }
            let mut spec = spec(&path, mapping, bands, size);
            spec.block_size = block;
            spec.overview_resampling = kernel;
            let params = params.iter();
            spec.creation_params = params
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let what = format!("{dtype} {bands} {size:?} {kernel:?} {block:?}");
            let plan = Plan::of(&spec).unwrap();
            assert!(plan.is_some(), "{what}");
            let hole = plan.as_ref().unwrap().hole.clone();
            let ours = contents(&spec, plan, &hole, folder.path());
            let expected = contents(&spec, None, &hole, folder.path());
            for (at, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
                assert_eq!(ours.len(), expected.len(), "{what}");
                for (level, (ours, expected)) in ours.iter().zip(expected).enumerate() {
                    let samples = ours.2.iter().zip(&expected.2);
                    let apart = samples.filter(|(a, b)| a != b).count();
                    // in files of overviews GDAL also stores tiles without data
                    let mut sparse = ours.1.iter().zip(&expected.1);
                    let sparse = sparse.all(|(ours, expected)| *ours || !expected);
                    let found = (ours.0 == expected.0, sparse, apart);
                    if found != (true, true, 0) {
                        wrong.push(format!("{what}, record {at}, level {level}: {found:?}"));
                    }
                }
            }
        }
    }
    // equal tags, as many sparse tiles at least, bytes apart
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn signed_bytes_are_averaged_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.tif");
    let mapping = mapping(DType::Int8, -128.0);
    let sample = |_, x: usize, _| if x.is_multiple_of(2) { -3.0 } else { 1.0 };
    file(&path, DType::Int8, 1, (128, 64), sample);
    let mut spec = spec(&path, mapping, 1, (128, 64));
    spec.overview_resampling = Resampling::Average;
    let plan = Plan::of(&spec).unwrap();
    let found = contents(&spec, plan, &[0x80], folder.path());
    let overview = &found[0][1].2;
    assert!(overview.iter().all(|sample| *sample as i8 == -1));
}
