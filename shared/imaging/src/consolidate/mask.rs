//! Masks inside a file: one bit per pixel, never lossy.

use super::thread_options::ThreadOptions;
use crate::ffi::{Window, capture};
use gdal::{Dataset, raster::Buffer};

/// Adds a mask for all bands; what is not written to it is without data.
pub(super) fn create(file: &mut Dataset) -> Result<(), String> {
    let options = [("GDAL_TIFF_INTERNAL_MASK".to_owned(), "YES".to_owned())];
    let _options = ThreadOptions::set(&options)?;
    let (created, captured) = capture(|| file.rasterband(1)?.create_mask_band(true));
    match created {
        _ if captured.failed() => Err(captured.text()),
        created => created.map_err(|error| error.to_string()),
    }
}

/// Writes a window, one byte per pixel: 0 where there is no data.
pub(super) fn write(file: &Dataset, window: Window, opacity: Vec<u8>) -> Result<(), String> {
    let size = (window.width, window.height);
    let mut buffer = Buffer::new(size, opacity);
    let (written, captured) = capture(|| {
        let band = file.rasterband(1)?;
        let mut mask = band.open_mask_band()?;
        mask.write((window.x as isize, window.y as isize), size, &mut buffer)
    });
    match written {
        _ if captured.failed() => Err(captured.text()),
        written => written.map_err(|error| error.to_string()),
    }
}
