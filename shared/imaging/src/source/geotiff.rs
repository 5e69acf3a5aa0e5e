//! What the tags of a GeoTIFF say, read without GDAL; nothing where GDAL could say something else.

#[cfg(test)]
mod tests;

use super::{
    FileInfo,
    tags::{sample_type, size, transform},
    tiff::position,
};
use crate::{Crs, lru::Lru};
use cog::{GeoTags, Image, ImageTags};
use domain::{DType, GeoTransform, Size};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Reference systems kept by their tags.
const KEPT: usize = 256;

/// Strips of more rows than these may be read row by row by GDAL, which then reports other blocks.
const HIGH_STRIP: u32 = 1000;

/// None, LZW, deflate under both numbers, zstd.
const COMPRESSIONS: [u16; 5] = [1, 5, 8, 32946, 50000];

/// From white to black, from black to white, red green blue, palette.
const PHOTOMETRICS: [u16; 4] = [0, 1, 2, 3];

/// The bounds within which a hole marker of 32-bit floating numbers is never adjusted.
const FLOAT32_HOLES: f64 = 3.4e38;

/// The tags of an image of a plain GeoTIFF.
#[derive(Clone, Debug)]
pub(super) struct Header {
    size: Size,
    transform: GeoTransform,
    dtype: DType,
    overviews: bool,
    bands: usize,
    block: (usize, usize),
    no_data: Option<f64>,
    crs: CrsTags,
}

/// The tags that name a reference system, bit by bit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CrsTags {
    keys: Vec<u16>,
    doubles: Vec<u64>,
    ascii: Option<String>,
}

/// What GDAL made of the tags that it met.
static KNOWN: LazyLock<Mutex<Lru<CrsTags, Crs>>> = LazyLock::new(|| Mutex::new(Lru::new(KEPT)));

impl Header {
    /// The tags of a file, or of one of its sub-datasets; `None` when it is not of the plain kind.
    pub(super) fn of(file: &cog::File, subdir: &str) -> Option<Self> {
        let record = &file.records[position(file, subdir)?];
        let main = record.main();
        let tags = &main.tags;
        let dtype = sample_type(tags)?;
        let no_data = tags.nodata.as_deref().map(str::parse).transpose().ok()?;
        let mut overviews = record.overviews();
        let plain = COMPRESSIONS.contains(&tags.compression)
            && PHOTOMETRICS.contains(&tags.photometric)
            && !has_telling_metadata(tags)
            && !no_data.is_some_and(|value| is_adjusted(value, dtype))
            && overviews.all(|overview| overview.tags.samples == tags.samples);
        if !plain {
            return None;
        }
        Some(Self {
            size: size(main)?,
            transform: transform(main)?,
            dtype,
            overviews: record.overviews().len() > 0,
            bands: usize::from(tags.samples),
            block: block(main)?,
            no_data,
            crs: CrsTags::of(&tags.geo)?,
        })
    }

    /// The reference system, when GDAL told it for the same tags before.
    pub(super) fn crs(&self) -> Option<Crs> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&self.crs).cloned()
    }

    /// Keeps what GDAL makes of the reference system of this file.
    pub(super) fn remember(self, crs: Crs) {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(self.crs, crs);
    }

    /// Number of bands.
    pub(super) fn bands(&self) -> usize {
        self.bands
    }

    /// The same as GDAL would tell of any of its bands.
    pub(super) fn info(&self, crs: Crs) -> FileInfo {
        FileInfo {
            size: self.size,
            transform: self.transform,
            crs,
            dtype: self.dtype,
            overviews: self.overviews,
            bands: self.bands,
            block: self.block,
            no_data: self.no_data,
        }
    }
}

impl CrsTags {
    fn of(geo: &GeoTags) -> Option<Self> {
        (!geo.keys.is_empty()).then(|| Self {
            keys: geo.keys.clone(),
            doubles: geo.doubles.iter().map(|value| value.to_bits()).collect(),
            ascii: geo.ascii.clone(),
        })
    }
}

/// Whether the metadata of GDAL may overrule the type, or has domains of its own: one of them names other files.
fn has_telling_metadata(tags: &ImageTags) -> bool {
    tags.gdal_metadata.as_ref().is_some_and(|metadata| {
        metadata.contains("PIXELTYPE") || metadata.to_ascii_lowercase().contains("domain")
    })
}

fn block(image: &Image) -> Option<(usize, usize)> {
    let (width, height) = (image.tags.block_width, image.tags.block_height);
    let as_stored = image.tiled || height <= HIGH_STRIP;
    as_stored.then_some((width as usize, height as usize))
}

/// Whether GDAL may report another hole marker than the one written.
fn is_adjusted(hole: f64, dtype: DType) -> bool {
    dtype == DType::Float32 && hole.abs() >= FLOAT32_HOLES
}
