//! New files of any sample type.

use super::{errors::capture, strings::Options};
use gdal::Dataset;
use gdal_sys::{GDALCreate, GDALDataType, GDALGetDriverByName};
use std::{
    ffi::{CString, c_int},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// Creates a `GeoTIFF`.
pub(crate) fn create_gtiff(
    path: &Path,
    (width, height): (u32, u32),
    bands: usize,
    data_type: GDALDataType::Type,
    options: &[(String, String)],
) -> Result<Dataset, String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    let size = |size: u32| c_int::try_from(size).map_err(|_| format!("{size} pixels are too many"));
    let (width, height) = (size(width)?, size(height)?);
    let bands = c_int::try_from(bands).map_err(|_| format!("{bands} bands are too many"))?;
    let options = Options::new(options.iter().map(|(key, value)| (key, value)));
    let (handle, captured) = capture(|| {
        // SAFETY: the name is a NUL-terminated constant.
        let driver = unsafe { GDALGetDriverByName(c"GTiff".as_ptr()) };
        if driver.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: the driver exists; path and options live during the call.
        unsafe {
            GDALCreate(
                driver,
                path.as_ptr(),
                width,
                height,
                bands,
                data_type,
                options.as_ptr(),
            )
        }
    });
    if handle.is_null() {
        return Err(captured.text());
    }
    // SAFETY: the handle was just created and nothing else owns it.
    Ok(unsafe { Dataset::from_c_dataset(handle) })
}
