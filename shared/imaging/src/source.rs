mod header;
mod info;
mod inspect;
mod mask;
mod open;

use crate::{
    Crs, Error, Result,
    cast::{CastPlan, Side},
    dtype::to_gdal,
    ffi::{self, Window},
    memory::{checked_size, zeroed},
    raster::Raster,
};
use domain::{DType, DataMapping, DatasetSource, GeoTransform, Size};
use gdal::Dataset;

pub use info::FileInfo;
pub use inspect::{FileHeader, inspect};
use mask::Mask;

/// An opened dataset, to be used by one thread at a time.
pub(crate) struct Source {
    dataset: Dataset,
    name: String,
    bands: Vec<i32>,
    mask: Mask,
    /// Sizes of the overviews of the first band, as the file orders them.
    overviews: Vec<Size>,
    pub(crate) mapping: DataMapping,
    pub(crate) info: FileInfo,
}

impl Source {
    /// Opens the file and looks at everything that reading needs.
    pub(crate) fn open(source: &DatasetSource) -> Result<Self> {
        let (dataset, name) = open::open(&source.uri, &source.subdir)?;
        let info = FileInfo::of(&dataset, &name, &source.bands)?;
        let complex = DType::Complex64;
        if (info.dtype == complex) != (source.mapping.format.dtype == complex) {
            return Err(Error::SampleType {
                name,
                reason: format!(
                    "{} samples, expected {}",
                    info.dtype, source.mapping.format.dtype
                ),
            });
        }
        let bands: Vec<i32> = source
            .bands
            .numbers()
            .iter()
            .map(|band| i32::from(*band))
            .collect();
        let first = open::band(&dataset, &name, bands[0])?;
        let overviews = open::overview_sizes(&first);
        let mask = Mask::of(&dataset, &name, &bands)?;
        Ok(Self {
            dataset,
            name,
            bands,
            mask,
            overviews,
            mapping: source.mapping,
            info,
        })
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
        let shape = [self.bands.len(), window.width, window.height, dtype.size()];
        let mut samples = zeroed(WHAT, checked_size(WHAT, &shape, limit)?)?;
        ffi::read(
            &self.dataset,
            overview,
            &self.bands,
            window,
            to_gdal(dtype),
            dtype.size(),
            &mut samples,
        )
        .map_err(|reason| self.failed(reason))?;
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
        self.apply_mask(&mut raster, overview, window, limit)?;
        Ok(raster)
    }

    fn apply_mask(
        &self,
        raster: &mut Raster,
        overview: Option<usize>,
        window: Window,
        limit: u64,
    ) -> Result<()> {
        if self.mask == Mask::None {
            return Ok(());
        }
        if raster.hole.is_none() {
            let side = Side::float(float_for(raster.dtype));
            *raster = raster.cast(&CastPlan::convert(raster.side(), side), limit)?;
        }
        let mut mask = zeroed(
            "a mask",
            checked_size("a mask", &[window.width, window.height], limit)?,
        )?;
        for (index, band) in self.bands.iter().enumerate() {
            let per_band = match self.mask {
                Mask::None => return Ok(()),
                Mask::PerBand => true,
                Mask::PerDataset | Mask::Alpha { .. } => false,
            };
            if index == 0 || per_band {
                self.mask
                    .read(&self.dataset, overview, *band, window, &mut mask)
                    .map_err(|reason| self.failed(reason))?;
            }
            let threshold = self.mask.threshold();
            raster.erase(index, &mask, |value| value < threshold);
            if self.mask.is_lossy() {
                // Lossy samples may fall on the hole marker; there the alpha band alone decides.
                raster.restore(index, &mask, |value| value >= threshold);
            }
        }
        Ok(())
    }

    fn failed(&self, reason: String) -> Error {
        Error::Read {
            name: self.name.clone(),
            reason,
        }
    }
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
