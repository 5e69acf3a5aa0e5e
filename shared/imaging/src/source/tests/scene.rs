//! Files that GDAL writes, and what both readers make of them.

use crate::{
    Options,
    dtype::to_gdal,
    ffi::{self, Window},
    init,
    sample::{Sample, with_sample},
    source::{Reads, Source, header},
};
use domain::{Bands, DType, DataFormat, DataMapping, DatasetSource, Size, Uri};
use gdal::{Dataset, spatial_ref::SpatialRef};
use std::{
    path::{Path, PathBuf},
    sync::Once,
};

pub(super) const LIMIT: u64 = 64 << 20;

/// How a file is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) dtype: DType,
    pub(super) bands: usize,
    pub(super) size: (usize, usize),
    pub(super) no_data: Option<f64>,
    pub(super) options: &'a [&'a str],
}

impl Default for Look<'_> {
    fn default() -> Self {
        Self {
            dtype: DType::UInt16,
            bands: 1,
            size: (150, 131),
            no_data: None,
            options: &[],
        }
    }
}

pub(super) fn folder() -> tempfile::TempDir {
    static INIT: Once = Once::new();
    INIT.call_once(|| init(&Options::default()).unwrap());
    tempfile::tempdir().unwrap()
}

pub(super) fn create(path: &Path, look: Look<'_>) -> Dataset {
    let mut options: Vec<_> = look
        .options
        .iter()
        .map(|option| option.split_once('=').unwrap())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    if look.dtype == DType::Int8 {
        options.push(("PIXELTYPE".to_owned(), "SIGNEDBYTE".to_owned()));
    }
    let size = (look.size.0 as u32, look.size.1 as u32);
    let mut file =
        ffi::create_gtiff(path, size, look.bands, to_gdal(look.dtype), &options).unwrap();
    file.set_geo_transform(&[500_000.0, 10.0, 0.0, 5_000_000.0, 0.0, -10.0])
        .unwrap();
    file.set_spatial_ref(&SpatialRef::from_epsg(32632).unwrap())
        .unwrap();
    for band in 1..=look.bands {
        let mut band = file.rasterband(band).unwrap();
        band.set_no_data_value(look.no_data).unwrap();
    }
    file
}

/// Noise with holes: every sample takes part of the range of its type.
pub(super) fn noise(dtype: DType, count: usize, no_data: Option<f64>) -> Vec<u8> {
    let mut samples = vec![0; count * dtype.size()];
    let mut state = 88_172_645_463_325_252_u64;
    with_sample!(dtype, S => {
        for (at, sample) in samples.chunks_exact_mut(S::SIZE).enumerate() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let value = match no_data {
                Some(no_data) if at % 37 < 5 => no_data,
                _ => (state % 60_000) as f64 / 3.0 - 120.0 + (at % 150) as f64,
            };
            S::from_f64(value).store(sample);
        }
    }, undefined => ());
    samples
}

pub(super) fn fill(file: &mut Dataset, look: Look<'_>, window: Window) {
    let samples = noise(look.dtype, look.bands * window.pixels(), look.no_data);
    let data_type = to_gdal(look.dtype);
    ffi::write(
        file,
        look.bands,
        window,
        data_type,
        look.dtype.size(),
        &samples,
    )
    .unwrap();
}

/// A file full of noise.
pub(super) fn file(folder: &Path, name: &str, look: Look<'_>) -> PathBuf {
    let path = folder.join(name);
    let mut file = create(&path, look);
    fill(&mut file, look, whole(look.size));
    file.close().unwrap();
    path
}

pub(super) fn whole((width, height): (usize, usize)) -> Window {
    Window {
        x: 0,
        y: 0,
        width,
        height,
    }
}

/// Windows at the corners, at edges of blocks, of one pixel and of everything.
pub(super) fn windows(size: Size) -> Vec<Window> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut found = vec![whole((width, height))];
    for (x, y, columns, rows) in [
        (0, 0, 1, 1),
        (width - 1, height - 1, 1, 1),
        (width / 3, height / 4, width / 2, height / 2),
        (0, height / 2, width, 3),
        (width / 2, 0, 3, height),
        (63, 31, 2, 2),
        (64, 48, 20, 17),
    ] {
        if x + columns <= width && y + rows <= height {
            found.push(Window {
                x,
                y,
                width: columns,
                height: rows,
            });
        }
    }
    found
}

pub(super) fn source(
    path: &Path,
    subdir: &str,
    bands: &[i64],
    format: DataFormat,
) -> DatasetSource {
    DatasetSource {
        uri: Uri::parse(path.to_str().unwrap()).unwrap(),
        subdir: subdir.to_owned(),
        bands: Bands::try_new(bands).unwrap(),
        mapping: DataMapping::identity(format),
    }
}

pub(super) fn format(dtype: DType, no_data: f64) -> DataFormat {
    let (min, max) = match dtype {
        DType::Float32 | DType::Float64 | DType::Complex64 => (0.0, 1000.0),
        dtype => dtype.bounds(),
    };
    DataFormat::try_new(dtype, no_data, min, max).unwrap()
}

/// Fails unless every window of every level is read without GDAL and is the same as GDAL's.
pub(super) fn assert_same(source: &DatasetSource, what: &str) {
    let (direct, library) = opened(source);
    for overview in (0..=direct.overviews().len()).map(|index| index.checked_sub(1)) {
        for window in windows(direct.grid(overview).1) {
            assert_window(&direct, &library, overview, window, what);
        }
    }
}

/// The dataset as GDAL reads it.
pub(super) fn by_library(source: &DatasetSource) -> crate::Result<Source> {
    let opened = header::open(&source.uri).unwrap();
    Source::open_library(source, opened.map(|opened| opened.file))
}

/// The dataset by both readers, which agree on everything but who reads.
pub(super) fn opened(source: &DatasetSource) -> (Source, Source) {
    let direct = Source::open(source).unwrap();
    let library = by_library(source).unwrap();
    assert_eq!(direct.info.size, library.info.size);
    assert_eq!(direct.info.transform, library.info.transform);
    assert!(direct.crs().is_same(library.crs()));
    assert_eq!(direct.info.dtype, library.info.dtype);
    assert_eq!(direct.info.block, library.info.block);
    assert_eq!(direct.info.bands, library.info.bands);
    assert_eq!(direct.info.overviews, library.info.overviews);
    assert_eq!(direct.overviews(), library.overviews());
    (direct, library)
}

pub(super) fn assert_window(
    direct: &Source,
    library: &Source,
    overview: Option<usize>,
    window: Window,
    what: &str,
) {
    let ours = direct.read_window(overview, window, LIMIT).unwrap();
    let reads = direct.take_reads();
    assert!(
        reads.direct > 0 && reads.library == 0,
        "{what}: {reads:?} for {window:?} of {overview:?}"
    );
    let expected = library.read_window(overview, window, LIMIT).unwrap();
    assert_eq!(library.take_reads().direct, 0);
    assert_eq!(ours.dtype, expected.dtype, "{what}");
    assert_eq!(ours.hole.map(f64::to_bits), expected.hole.map(f64::to_bits));
    assert!(
        ours.samples == expected.samples,
        "{what}: {window:?} of overview {overview:?} differs"
    );
}

/// Reads everything, and by what.
pub(super) fn read_all(source: &DatasetSource) -> crate::Result<Reads> {
    let source = Source::open(source)?;
    let Size { width, height } = source.info.size;
    source.read_window(None, whole((width as usize, height as usize)), LIMIT)?;
    Ok(source.take_reads())
}
