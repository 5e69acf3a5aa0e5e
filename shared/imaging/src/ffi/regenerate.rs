//! Overviews in files of their own.

use super::errors::capture;
use gdal::Dataset;
use gdal_sys::{
    CPLErr, GDALGetMaskBand, GDALGetRasterBand, GDALRasterBandH, GDALRegenerateOverviews,
};
use std::ffi::{CString, c_int};

/// What overviews are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer {
    /// A band, from 1.
    Band(usize),
    /// The mask of all bands.
    Mask,
}

/// Fills a layer of every level from the same layer of the full resolution.
pub(crate) fn regenerate(
    full: &Dataset,
    levels: &[&Dataset],
    layer: Layer,
    resampling: &str,
) -> Result<(), String> {
    let resampling = CString::new(resampling).map_err(|error| error.to_string())?;
    let handle = |dataset: &Dataset| {
        let band = match layer {
            Layer::Band(band) => band,
            Layer::Mask => 1,
        };
        // SAFETY: the dataset is open; a band that it does not have gives null.
        let handle = unsafe { GDALGetRasterBand(dataset.c_dataset(), band as c_int) };
        match layer {
            _ if handle.is_null() => Err(format!("no band {band}")),
            Layer::Band(_) => Ok(handle),
            // SAFETY: the band exists; its mask, which every band has, lives as long as the dataset.
            Layer::Mask => Ok(unsafe { GDALGetMaskBand(handle) }),
        }
    };
    let source = handle(full)?;
    let mut targets: Vec<GDALRasterBandH> = levels
        .iter()
        .copied()
        .map(handle)
        .collect::<Result<_, String>>()?;
    let (status, captured) = capture(|| {
        // SAFETY: all the bands belong to open datasets that no other thread can use, and the array has the announced
        // length.
        unsafe {
            GDALRegenerateOverviews(
                source,
                targets.len() as c_int,
                targets.as_mut_ptr(),
                resampling.as_ptr(),
                None,
                std::ptr::null_mut(),
            )
        }
    });
    if status == CPLErr::CE_None {
        Ok(())
    } else {
        Err(captured.text())
    }
}
