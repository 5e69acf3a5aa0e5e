//! Tiny rasters made for one test, and what the crate makes of them.

use domain::{
    Bands, DType, DataFormat, DataMapping, DatasetSource, GeoTransform, Resampling, Size, Uri,
    ValueRange,
};
use gdal::{
    Dataset, DriverManager,
    raster::{Buffer, RasterCreationOptions},
    spatial_ref::{AxisMappingStrategy, SpatialRef},
};
use imaging::{Crs, Image, Limits, Options, Target, init, merge};
use std::{
    path::{Path, PathBuf},
    sync::Once,
};

/// A folder with rasters, removed at the end.
pub struct Scene {
    folder: tempfile::TempDir,
}

/// What a raster looks like.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub dtype: DType,
    pub bands: usize,
    pub size: (usize, usize),
    pub transform: [f64; 6],
    pub epsg: u32,
    /// A reference system that EPSG does not know, or another way to write it.
    pub crs: Option<&'a str>,
    pub no_data: Option<f64>,
    pub options: &'a [&'a str],
}

impl Default for Look<'_> {
    fn default() -> Self {
        Self {
            dtype: DType::UInt8,
            bands: 1,
            size: (64, 64),
            transform: [500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0],
            epsg: 32632,
            crs: None,
            no_data: Some(0.0),
            options: &[],
        }
    }
}

impl Look<'_> {
    fn spatial_ref(&self) -> SpatialRef {
        let Some(text) = self.crs else {
            return SpatialRef::from_epsg(self.epsg).unwrap();
        };
        let mut system = SpatialRef::from_definition(text).unwrap();
        system.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
        system
    }
}

impl Scene {
    pub fn new() -> Self {
        static INIT: Once = Once::new();
        INIT.call_once(|| init(&Options::default()).unwrap());
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a raster whose samples are given by band, column and row, all from 0.
    pub fn raster(
        &self,
        name: &str,
        look: Look<'_>,
        sample: impl Fn(usize, usize, usize) -> f64,
    ) -> PathBuf {
        let path = self.path(name);
        let mut dataset = create(&path, look);
        dataset.set_geo_transform(&look.transform).unwrap();
        dataset.set_spatial_ref(&look.spatial_ref()).unwrap();
        let (width, height) = look.size;
        for band in 0..look.bands {
            let mut raster = dataset.rasterband(band + 1).unwrap();
            raster.set_no_data_value(look.no_data).unwrap();
            let samples: Vec<f64> = (0..width * height)
                .map(|index| sample(band, index % width, index / width))
                .collect();
            if look.dtype == DType::Int8 {
                let bytes = samples.iter().map(|value| *value as i8 as u8).collect();
                let mut buffer = Buffer::new(look.size, bytes);
                raster.write((0, 0), look.size, &mut buffer).unwrap();
            } else {
                let mut buffer = Buffer::new(look.size, samples);
                raster.write((0, 0), look.size, &mut buffer).unwrap();
            }
        }
        path
    }
}

fn create(path: &Path, look: Look<'_>) -> Dataset {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut options: RasterCreationOptions = look.options.iter().copied().collect();
    if look.dtype == DType::Int8 {
        options.set_name_value("PIXELTYPE", "SIGNEDBYTE").unwrap();
    }
    let ((width, height), bands) = (look.size, look.bands);
    macro_rules! create {
        ($type:ty) => {
            driver.create_with_band_type_with_options::<$type, _>(
                path, width, height, bands, &options,
            )
        };
    }
    match look.dtype {
        DType::UInt8 | DType::Int8 => create!(u8),
        DType::UInt16 => create!(u16),
        DType::UInt32 => create!(u32),
        DType::Int16 => create!(i16),
        DType::Int32 => create!(i32),
        DType::Float32 => create!(f32),
        DType::Float64 => create!(f64),
        DType::Undefined | DType::Complex64 => panic!("not created here"),
    }
    .unwrap()
}

/// A smooth pattern with an edge, between 1 and 201.
pub fn pattern(band: usize, x: usize, y: usize) -> f64 {
    let wave = (x as f64 * 0.35).sin() * (y as f64 * 0.23 + band as f64).cos();
    (101.0 + 80.0 * wave + if x > y { 20.0 } else { -20.0 }).round()
}

/// The pattern with holes of value 0.
pub fn holed(band: usize, x: usize, y: usize) -> f64 {
    if (x / 7 + y / 5).is_multiple_of(6) {
        0.0
    } else {
        pattern(band, x, y)
    }
}

/// A mapping whose samples are the values.
pub fn plain(dtype: DType, no_data: f64) -> DataMapping {
    let (min, max) = match dtype {
        DType::Float32 | DType::Float64 | DType::Complex64 => (0.0, 1000.0),
        dtype => dtype.bounds(),
    };
    DataMapping::identity(DataFormat::try_new(dtype, no_data, min, max).unwrap())
}

/// A mapping with a range of values and a power.
pub fn mapping(
    dtype: DType,
    no_data: f64,
    samples: (f64, f64),
    values: (f64, f64),
    exponent: f64,
) -> DataMapping {
    let format = DataFormat::try_new(dtype, no_data, samples.0, samples.1).unwrap();
    let range = ValueRange {
        min: values.0,
        max: values.1,
    };
    DataMapping::try_new(format, range, exponent).unwrap()
}

pub fn source(path: &Path, bands: &[i64], mapping: DataMapping) -> DatasetSource {
    DatasetSource {
        uri: Uri::parse(path.to_str().unwrap()).unwrap(),
        subdir: String::new(),
        bands: Bands::try_new(bands).unwrap(),
        mapping,
    }
}

pub fn target(epsg: u32, transform: [f64; 6], width: u32, height: u32) -> Target {
    Target {
        crs: Crs::parse(&epsg.to_string()).unwrap(),
        transform: GeoTransform::try_new(transform).unwrap(),
        size: Size { width, height },
    }
}

pub fn render(
    sources: &[DatasetSource],
    target: &Target,
    format: &DataMapping,
    kernel: Resampling,
) -> Image {
    merge(sources, target, format, kernel, &Limits::default(), &|| {
        false
    })
    .unwrap()
}

/// The samples of an image, band after band; real parts of complex ones.
pub fn values(image: &Image) -> Vec<f64> {
    let bytes = image.as_band_sequential();
    macro_rules! read {
        ($type:ty) => {{
            let samples = bytes.chunks_exact(size_of::<$type>());
            samples
                .map(|sample| f64::from(<$type>::from_ne_bytes(sample.try_into().unwrap())))
                .collect()
        }};
    }
    match image.dtype() {
        DType::UInt8 => read!(u8),
        DType::UInt16 => read!(u16),
        DType::UInt32 => read!(u32),
        DType::Int8 => read!(i8),
        DType::Int16 => read!(i16),
        DType::Int32 => read!(i32),
        DType::Float32 | DType::Complex64 => read!(f32),
        DType::Float64 => read!(f64),
        DType::Undefined => panic!("undefined samples"),
    }
}

/// The samples of a file, band after band.
pub fn file_values(path: &str) -> Vec<f64> {
    let dataset = Dataset::open(path).unwrap();
    let mut values = Vec::new();
    for band in 1..=dataset.raster_count() {
        let buffer = dataset
            .rasterband(band)
            .unwrap()
            .read_band_as::<f64>()
            .unwrap();
        values.extend_from_slice(buffer.data());
    }
    values
}

/// Fails unless all but one in a thousand samples are at most `tolerance` apart; all of them when it is 0.
pub fn assert_close(ours: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}: number of samples");
    let apart = |(a, b): &(&f64, &f64)| !((*a - *b).abs() <= tolerance || a.is_nan() && b.is_nan());
    let wrong: Vec<_> = ours
        .iter()
        .zip(expected)
        .enumerate()
        .filter(|(_, pair)| apart(pair))
        .collect();
    let allowed = if tolerance == 0.0 {
        0
    } else {
        ours.len() / 1000
    };
    assert!(
        wrong.len() <= allowed,
        "{what}: {} of {} samples differ, first {:?}",
        wrong.len(),
        ours.len(),
        &wrong[..wrong.len().min(5)]
    );
}
