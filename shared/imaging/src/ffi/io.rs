//! Pixels of several bands at once.

use super::errors::capture;
use gdal::{Dataset, raster::RasterBand};
use gdal_sys::{
    CPLErr, GDALDataType, GDALDatasetH, GDALDatasetRasterIOEx, GDALGetBandDataset, GDALGetMaskBand,
    GDALGetOverview, GDALGetRasterBand, GDALGetRasterBandXSize, GDALGetRasterBandYSize,
    GDALGetRasterCount, GDALGetRasterDataType, GDALRWFlag, GDALRasterBandH, GDALRasterIOEx,
};
use std::ffi::c_int;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Window {
    pub(crate) fn pixels(&self) -> usize {
        self.width * self.height
    }

    fn fits(&self, width: usize, height: usize) -> bool {
        let inside = |start: usize, length: usize, end: usize| {
            length > 0 && start.checked_add(length).is_some_and(|last| last <= end)
        };
        inside(self.x, self.width, width) && inside(self.y, self.height, height)
    }
}

/// Type of the samples of a band, complex ones included.
pub(crate) fn data_type(band: &RasterBand<'_>) -> GDALDataType::Type {
    // SAFETY: the band belongs to an open dataset, which it borrows.
    unsafe { GDALGetRasterDataType(band.c_rasterband()) }
}

/// Reads a window of some bands (from 1), band after band, of the dataset or one of its overviews.
///
/// `sample_bytes` is the size of one sample of `data_type`.
pub(crate) fn read(
    dataset: &Dataset,
    overview: Option<usize>,
    bands: &[i32],
    window: Window,
    data_type: GDALDataType::Type,
    sample_bytes: usize,
    buffer: &mut [u8],
) -> Result<(), String> {
    if buffer.len() != bands.len() * window.pixels() * sample_bytes {
        return Err("the buffer does not have the size of the window".to_owned());
    }
    let level = Level::of(dataset, overview, bands, window)?;
    transfer(
        &level,
        GDALRWFlag::GF_Read,
        bands,
        window,
        data_type,
        sample_bytes,
        buffer.as_mut_ptr(),
    )
}

/// Writes a window of the bands 1 to `bands`, given band after band.
pub(crate) fn write(
    dataset: &mut Dataset,
    bands: usize,
    window: Window,
    data_type: GDALDataType::Type,
    sample_bytes: usize,
    buffer: &[u8],
) -> Result<(), String> {
    if buffer.len() != bands * window.pixels() * sample_bytes {
        return Err("the buffer does not have the size of the window".to_owned());
    }
    let bands: Vec<i32> = (1..=bands as i32).collect();
    let level = Level::of(dataset, None, &bands, window)?;
    // Written to by GDAL only when reading.
    let pixels = buffer.as_ptr().cast_mut();
    transfer(
        &level,
        GDALRWFlag::GF_Write,
        &bands,
        window,
        data_type,
        sample_bytes,
        pixels,
    )
}

/// Reads the validity mask of a band (from 1): 0 where there is no data. One byte per pixel.
pub(crate) fn read_mask(
    dataset: &Dataset,
    overview: Option<usize>,
    band: i32,
    window: Window,
    buffer: &mut [u8],
) -> Result<(), String> {
    if buffer.len() != window.pixels() {
        return Err("the buffer does not have the size of the window".to_owned());
    }
    let level = Level::of(dataset, overview, &[band], window)?;
    // SAFETY: the band belongs to a dataset that is borrowed.
    let mask = unsafe { GDALGetMaskBand(level.first) };
    if mask.is_null() {
        return Err("no mask".to_owned());
    }
    // SAFETY: as `first`, the mask belongs to the dataset; the sizes were compared by `Level::of` for the band.
    let same_size = unsafe {
        window.fits(
            GDALGetRasterBandXSize(mask).max(0) as usize,
            GDALGetRasterBandYSize(mask).max(0) as usize,
        )
    };
    if !same_size {
        return Err("the mask has another size than its band".to_owned());
    }
    let (status, captured) = capture(|| {
        // SAFETY: the window lies inside the mask and the buffer holds one byte per pixel of it.
        unsafe {
            GDALRasterIOEx(
                mask,
                GDALRWFlag::GF_Read,
                window.x as c_int,
                window.y as c_int,
                window.width as c_int,
                window.height as c_int,
                buffer.as_mut_ptr().cast(),
                window.width as c_int,
                window.height as c_int,
                GDALDataType::GDT_Byte,
                1,
                window.width as i64,
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

/// The dataset, or the dataset of an overview, with its checked size.
struct Level {
    dataset: GDALDatasetH,
    /// First of the wanted bands.
    first: GDALRasterBandH,
}

impl Level {
    fn of(
        dataset: &Dataset,
        overview: Option<usize>,
        bands: &[i32],
        window: Window,
    ) -> Result<Self, String> {
        let count = dataset.raster_count() as i32;
        let Some(&first) = bands.first() else {
            return Err("no band".to_owned());
        };
        if let Some(band) = bands.iter().find(|band| !(1..=count).contains(*band)) {
            return Err(format!("no band {band}"));
        }
        // SAFETY: the dataset is open and the band exists.
        let mut band = unsafe { GDALGetRasterBand(dataset.c_dataset(), first) };
        let mut handle = dataset.c_dataset();
        if let Some(index) = overview {
            // SAFETY: the band belongs to the borrowed dataset; an index out of range gives null.
            band = unsafe { GDALGetOverview(band, index as c_int) };
            if band.is_null() {
                return Err(format!("no overview {index}"));
            }
            // SAFETY: the overview band is not null and lives as long as the dataset.
            handle = unsafe { GDALGetBandDataset(band) };
            // SAFETY: a null dataset is refused before it is asked.
            if handle.is_null() || unsafe { GDALGetRasterCount(handle) } < count {
                return Err(format!("overview {index} does not hold all the bands"));
            }
        }
        if band.is_null() {
            return Err(format!("no band {first}"));
        }
        // SAFETY: the band is not null and lives as long as the dataset.
        let (width, height) =
            unsafe { (GDALGetRasterBandXSize(band), GDALGetRasterBandYSize(band)) };
        if !window.fits(width.max(0) as usize, height.max(0) as usize) {
            return Err(format!(
                "window {window:?} lies outside of {width}x{height} pixels"
            ));
        }
        Ok(Self {
            dataset: handle,
            first: band,
        })
    }
}

/// `pixels` must hold every band of the window, and be writable when reading.
fn transfer(
    level: &Level,
    direction: GDALRWFlag::Type,
    bands: &[i32],
    window: Window,
    data_type: GDALDataType::Type,
    sample_bytes: usize,
    pixels: *mut u8,
) -> Result<(), String> {
    let mut bands: Vec<c_int> = bands.to_vec();
    let line = window.width * sample_bytes;
    let (status, captured) = capture(|| {
        // SAFETY: the callers checked that the window lies inside the dataset, that the bands exist and that the
        // buffer has `bands * width * height * sample_bytes` bytes; the spacings describe exactly that buffer.
        unsafe {
            GDALDatasetRasterIOEx(
                level.dataset,
                direction,
                window.x as c_int,
                window.y as c_int,
                window.width as c_int,
                window.height as c_int,
                pixels.cast(),
                window.width as c_int,
                window.height as c_int,
                data_type,
                bands.len() as c_int,
                bands.as_mut_ptr(),
                sample_bytes as i64,
                line as i64,
                (line * window.height) as i64,
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
