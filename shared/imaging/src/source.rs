mod geotiff;
mod header;
mod info;
mod inspect;
mod kind;
mod mask;
mod open;
mod pixels;
mod tags;
mod tiff;

use crate::{
    Crs, Error, Result,
    cast::{CastPlan, Side},
    ffi::Window,
    file::OpenFile,
    memory::{checked_size, zeroed},
    raster::Raster,
    remote::RemoteFile,
};
use domain::{DType, DataMapping, DatasetSource, GeoTransform, Size};
use std::ops::Range;

pub(crate) use header::{CAPACITY as HEADER_CAPACITY, set_capacity as set_header_capacity};
pub use info::FileInfo;
pub use inspect::{FileHeader, inspect};
use kind::{Kind, Signature, Verdict};
use mask::Mask;
pub(crate) use open::DRIVERS;
pub use pixels::Reads;
use pixels::{Pixels, Region};
use tiff::Tiff;

/// An opened dataset, to be used by one thread at a time.
pub(crate) struct Source {
    pixels: Pixels,
    bands: Vec<i32>,
    mask: Mask,
    /// Sizes of the overviews of the first band, as the file orders them.
    overviews: Vec<Size>,
    pub(crate) mapping: DataMapping,
    pub(crate) info: FileInfo,
}

impl Source {
    /// Opens the file and looks at everything that reading needs: its header alone where that tells all.
    pub(crate) fn open(source: &DatasetSource) -> Result<Self> {
        let failed = |error| Error::opening(open::name(&source.uri, &source.subdir), error);
        let opened = header::open(&source.uri).map_err(failed)?;
        let file = opened.as_ref().map(|opened| opened.file.clone());
        let found = opened
            .and_then(|opened| Tiff::of(source, opened))
            .and_then(|tiff| Some((Signature::of(&tiff)?, tiff)));
        let Some((signature, tiff)) = found else {
            return Self::open_library(source, file);
        };
        let verdict = match kind::known(&signature) {
            Some(verdict) => verdict,
            None => kind::learn(signature, &tiff, &Self::open_library(source, file.clone())?),
        };
        match verdict {
            Verdict::Direct(kind)
                if is_complex(tiff.dtype) == is_complex(source.mapping.format.dtype) =>
            {
                Ok(Self::of_tiff(source, file, tiff, kind))
            }
            Verdict::Direct(_) | Verdict::Library => Self::open_library(source, file),
        }
    }

    fn of_tiff(source: &DatasetSource, file: Option<OpenFile>, tiff: Tiff, kind: Kind) -> Self {
        let tags = &tiff.record().main().tags;
        let info = FileInfo {
            size: tiff.size,
            transform: tiff.transform,
            crs: kind.crs,
            dtype: tiff.dtype,
            overviews: !tiff.overviews.is_empty(),
            bands: usize::from(tags.samples),
            block: (tags.block_width as usize, tags.block_height as usize),
            no_data: kind.no_data,
        };
        Self {
            bands: numbers(source),
            mask: kind.mask,
            overviews: tiff.overviews.clone(),
            mapping: source.mapping,
            info,
            pixels: Pixels::of_tiff(source, file, tiff),
        }
    }

    /// Opens the file through GDAL.
    fn open_library(source: &DatasetSource, file: Option<OpenFile>) -> Result<Self> {
        let (dataset, name) = open::open(&source.uri, &source.subdir, file.as_ref())?;
        let info = FileInfo::of(&dataset, &name, &source.bands)?;
        if is_complex(info.dtype) != is_complex(source.mapping.format.dtype) {
            return Err(Error::SampleType {
                name,
                reason: format!(
                    "{} samples, expected {}",
                    info.dtype, source.mapping.format.dtype
                ),
            });
        }
        let bands = numbers(source);
        let first = open::band(&dataset, &name, bands[0])?;
        let overviews = open::overview_sizes(&first);
        let mask = Mask::of(&dataset, &name, &bands)?;
        Ok(Self {
            pixels: Pixels::of_library(source, file, dataset),
            bands,
            mask,
            overviews,
            mapping: source.mapping,
            info,
        })
    }

    /// The local file and what its directories say, when it is read without GDAL.
    pub(crate) fn local(&self) -> Option<(&OpenFile, &cog::File)> {
        self.pixels.local()
    }

    /// Windows read since the last call, and by what.
    pub(crate) fn take_reads(&self) -> Reads {
        self.pixels.take_reads()
    }

    /// Reference system of the file.
    pub(crate) fn crs(&self) -> &Crs {
        &self.info.crs
    }

    /// Number of bands that are read.
    pub(crate) fn band_count(&self) -> usize {
        self.bands.len()
    }

    /// Sizes of the overviews.
    pub(crate) fn overviews(&self) -> &[Size] {
        &self.overviews
    }

    /// Grid of the file, or of one of its overviews.
    pub(crate) fn grid(&self, overview: Option<usize>) -> (GeoTransform, Size) {
        let (full, transform) = (self.info.size, self.info.transform);
        let Some(size) = overview.and_then(|index| self.overviews.get(index).copied()) else {
            return (transform, full);
        };
        let x = f64::from(full.width) / f64::from(size.width);
        let y = f64::from(full.height) / f64::from(size.height);
        let [a, b, c, d, e, f] = transform.0;
        (GeoTransform([a, b * x, c * y, d, e * x, f * y]), size)
    }

    /// The object, and the bytes of it that hold a window, where it is one that is read without GDAL.
    pub(crate) fn remote_ranges(
        &self,
        overview: Option<usize>,
        window: Window,
    ) -> Option<(RemoteFile, Vec<Range<u64>>)> {
        self.pixels.remote_ranges(overview, window, self.mask)
    }

    /// Bytes of a window as it is read.
    pub(crate) fn window_bytes(&self, window: Window) -> u64 {
        (window.pixels() as u64)
            .saturating_mul(self.bands.len() as u64)
            .saturating_mul(self.info.dtype.size() as u64)
    }

    /// Reads a window of all the bands, of the file or of one of its overviews.
    ///
    /// The samples have the type of the mapping and its hole marker, which also stands where the mask or the alpha
    /// band of the file says so; integers without a marker become floating numbers when the file has such a mask.
    pub(crate) fn read_window(
        &self,
        overview: Option<usize>,
        window: Window,
        limit: u64,
    ) -> Result<Raster> {
        const WHAT: &str = "a window of a source";
        let dtype = self.info.dtype;
        let region = Region {
            overview,
            window,
            limit,
        };
        let shape = [self.bands.len(), window.width, window.height, dtype.size()];
        let mut samples = zeroed(WHAT, checked_size(WHAT, &shape, limit)?)?;
        self.pixels
            .read(&self.bands, &self.info, region, &mut samples)?;
        let side = Side::of(&self.mapping.format);
        let mut raster = Raster {
            dtype,
            bands: self.bands.len(),
            width: window.width,
            height: window.height,
            hole: side.hole,
            samples,
        };
        if dtype != side.dtype {
            // The file changed its type since it was indexed; the values still mean the same.
            raster = raster.cast(&CastPlan::convert(raster.side(), side), limit)?;
        }
        self.apply_mask(&mut raster, region)?;
        Ok(raster)
    }

    fn apply_mask(&self, raster: &mut Raster, region: Region) -> Result<()> {
        if self.mask == Mask::None {
            return Ok(());
        }
        if raster.hole.is_none() {
            let side = Side::float(float_for(raster.dtype));
            *raster = raster.cast(&CastPlan::convert(raster.side(), side), region.limit)?;
        }
        let shape = [region.window.width, region.window.height];
        let mut mask = zeroed("a mask", checked_size("a mask", &shape, region.limit)?)?;
        for (index, band) in self.bands.iter().enumerate() {
            let per_band = match self.mask {
                Mask::None => return Ok(()),
                Mask::PerBand => true,
                Mask::PerDataset { .. } | Mask::Alpha { .. } => false,
            };
            if index == 0 || per_band {
                self.pixels
                    .read_mask(self.mask, *band, &self.info, region, &mut mask)?;
            }
            let threshold = self.mask.threshold();
            raster.erase(index, &mask, |value| value < threshold);
            if self.mask.is_lossy() {
                // Lossy samples may fall on the hole marker; there the mask alone decides.
                raster.restore(index, &mask, |value| value >= threshold);
            }
        }
        Ok(())
    }
}

fn is_complex(dtype: DType) -> bool {
    dtype == DType::Complex64
}

/// Bands to read, from 1.
fn numbers(source: &DatasetSource) -> Vec<i32> {
    let bands = source.bands.numbers().iter();
    bands.map(|band| i32::from(*band)).collect()
}

/// The smallest floating type that holds every value of a type.
pub(crate) fn float_for(dtype: DType) -> DType {
    match dtype {
        DType::UInt8 | DType::Int8 | DType::UInt16 | DType::Int16 | DType::Float32 => {
            DType::Float32
        }
        DType::Undefined | DType::UInt32 | DType::Int32 | DType::Float64 => DType::Float64,
        DType::Complex64 => DType::Complex64,
    }
}

#[cfg(test)]
mod tests;
