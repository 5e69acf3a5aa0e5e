//! Datasets of GDAL's MEM driver over memory that we own.

use super::{errors::capture, strings::Options};
use domain::GeoTransform;
use gdal::{Dataset, spatial_ref::SpatialRef};
use gdal_sys::{CPLErr, GDALAddBand, GDALCreate, GDALDataType, GDALGetDriverByName};
use std::{ffi::c_int, marker::PhantomData};

/// A dataset whose bands are slices of a borrowed buffer, band after band.
pub(crate) struct MemDataset<'a> {
    dataset: Dataset,
    buffer: PhantomData<&'a mut [u8]>,
}

impl<'a> MemDataset<'a> {
    /// Shares the buffer: what is written to the dataset is written to it.
    pub(crate) fn over(
        buffer: &'a mut [u8],
        bands: usize,
        (width, height): (usize, usize),
        data_type: GDALDataType::Type,
        sample_bytes: usize,
    ) -> Result<Self, String> {
        if buffer.len() != bands * width * height * sample_bytes {
            return Err("the buffer does not have the size of the image".to_owned());
        }
        let dataset = frame(width, height)?;
        for band in 0..bands {
            let pixels = &raw mut buffer[band * width * height * sample_bytes];
            let options = Options::new([
                ("DATAPOINTER", format!("{pixels:p}")),
                ("PIXELOFFSET", sample_bytes.to_string()),
                ("LINEOFFSET", (width * sample_bytes).to_string()),
            ]);
            let (status, captured) = capture(|| {
                // SAFETY: the band covers `width * height` samples from `pixels` on, which the length check puts
                // inside the buffer; the buffer is borrowed as long as the dataset lives.
                unsafe { GDALAddBand(dataset.c_dataset(), data_type, options.as_ptr()) }
            });
            if status != CPLErr::CE_None {
                return Err(captured.text());
            }
        }
        Ok(Self {
            dataset,
            buffer: PhantomData,
        })
    }

    /// The dataset.
    pub(crate) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The dataset, to describe it further.
    pub(crate) fn dataset_mut(&mut self) -> &mut Dataset {
        &mut self.dataset
    }

    /// Places the dataset on the globe.
    pub(crate) fn place(
        &mut self,
        transform: &GeoTransform,
        crs: &SpatialRef,
    ) -> Result<(), String> {
        place(&mut self.dataset, transform, crs)
    }
}

/// A dataset of some size without any band: no pixels are allocated.
pub(crate) fn frame(width: usize, height: usize) -> Result<Dataset, String> {
    let (Ok(width), Ok(height)) = (c_int::try_from(width), c_int::try_from(height)) else {
        return Err(format!("{width}x{height} pixels are too many"));
    };
    let (handle, captured) = capture(|| {
        // SAFETY: the name is a NUL-terminated constant.
        let driver = unsafe { GDALGetDriverByName(c"MEM".as_ptr()) };
        if driver.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: the driver exists, the name is a constant, and no band is created.
        unsafe {
            GDALCreate(
                driver,
                c"".as_ptr(),
                width,
                height,
                0,
                GDALDataType::GDT_Byte,
                std::ptr::null_mut(),
            )
        }
    });
    if handle.is_null() {
        return Err(captured.text());
    }
    // SAFETY: the handle was just created and nothing else owns it.
    Ok(unsafe { Dataset::from_c_dataset(handle) })
}

/// Sets transform and reference system.
pub(super) fn place(
    dataset: &mut Dataset,
    transform: &GeoTransform,
    crs: &SpatialRef,
) -> Result<(), String> {
    let (result, captured) = capture(|| {
        dataset
            .set_geo_transform(&transform.0)
            .and_then(|()| dataset.set_spatial_ref(crs))
    });
    result.map_err(|error| {
        if captured.failed() {
            captured.text()
        } else {
            error.to_string()
        }
    })
}
