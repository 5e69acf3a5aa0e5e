//! Which pixels a file itself declares to be without data, besides the hole marker of the mapping.

use super::{info, open};
use crate::{
    Result,
    dtype::{opaque, to_gdal},
    ffi::{self, Window, capture},
    memory::zeroed,
    sample::{Sample, with_sample},
};
use domain::DType;
use gdal::{Dataset, Metadata, raster::ColorInterpretation};

/// Where the validity of pixels is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mask {
    /// Nowhere: only the hole marker counts.
    None,
    /// In one mask for all bands.
    PerDataset { lossy: bool },
    /// In a mask of each band.
    PerBand,
    /// In a band of its own, whose samples are of type `dtype`.
    Alpha {
        band: i32,
        lossy: bool,
        dtype: DType,
    },
}

impl Mask {
    /// Mask that applies to some bands (from 1). A mask of the dataset comes before its alpha band, which lossy codecs
    /// blur; an alpha band that is itself read as data masks nothing.
    pub(super) fn of(dataset: &Dataset, name: &str, bands: &[i32]) -> Result<Self> {
        let first = open::band(dataset, name, bands[0])?;
        let (flags, _) = capture(|| first.mask_flags());
        let stored = flags
            .as_ref()
            .is_ok_and(|flags| !(flags.is_nodata() || flags.is_all_valid() || flags.is_alpha()));
        if stored && flags.is_ok_and(|flags| flags.is_per_dataset()) {
            let lossy = is_lossy(dataset);
            return Ok(Self::PerDataset { lossy });
        }
        for band in 1..=dataset.raster_count() as i32 {
            let alpha = open::band(dataset, name, band)?;
            let is_alpha = alpha.color_interpretation() == ColorInterpretation::AlphaBand;
            if is_alpha && !bands.contains(&band) {
                return Ok(Self::Alpha {
                    band,
                    lossy: is_lossy(dataset),
                    dtype: info::sample_type(&alpha).unwrap_or(DType::Float64),
                });
            }
        }
        Ok(if stored { Self::PerBand } else { Self::None })
    }

    /// Lowest mask value of pixels with data. Lossy codecs blur the border of the alpha band.
    pub(super) fn threshold(self) -> u8 {
        match self {
            Self::Alpha { lossy: true, .. } => u8::MAX / 2 + 1,
            Self::Alpha { .. } | Self::None | Self::PerDataset { .. } | Self::PerBand => 1,
        }
    }

    /// Whether the samples beside the mask are not exact.
    pub(super) fn is_lossy(self) -> bool {
        matches!(
            self,
            Self::Alpha { lossy: true, .. } | Self::PerDataset { lossy: true }
        )
    }

    /// Reads the mask of a band, one byte per pixel.
    pub(super) fn read(
        self,
        dataset: &Dataset,
        overview: Option<usize>,
        band: i32,
        window: Window,
        buffer: &mut [u8],
    ) -> Result<(), String> {
        match self {
            Self::None => Ok(()),
            Self::PerDataset { .. } | Self::PerBand => {
                ffi::read_mask(dataset, overview, band, window, buffer)
            }
            Self::Alpha { band, dtype, .. } => {
                let (kind, size) = (to_gdal(dtype), dtype.size());
                let read = |samples: &mut [u8]| {
                    ffi::read(dataset, overview, &[band], window, kind, size, samples)
                };
                if dtype == DType::UInt8 {
                    return read(buffer);
                }
                let samples = zeroed("an alpha band", buffer.len() * size);
                let mut samples = samples.map_err(|error| error.to_string())?;
                read(&mut samples)?;
                opacities(dtype, &samples, buffer);
                Ok(())
            }
        }
    }
}

/// Samples of an alpha band as bytes: 0 where they are not positive, 255 from the value that is opaque.
pub(super) fn opacities(dtype: DType, samples: &[u8], out: &mut [u8]) {
    let scale = f64::from(u8::MAX) / f64::from(opaque(dtype));
    with_sample!(dtype, S => {
        for (sample, byte) in samples.chunks_exact(S::SIZE).zip(out) {
            *byte = u8::from_f64((S::load(sample).to_f64() * scale).ceil());
        }
    }, undefined => ());
}

fn is_lossy(dataset: &Dataset) -> bool {
    let codec = dataset
        .metadata_item("COMPRESSION", "IMAGE_STRUCTURE")
        .unwrap_or_default();
    ["JPEG", "WEBP", "LERC", "JXL"]
        .iter()
        .any(|name| codec.contains(name))
}
