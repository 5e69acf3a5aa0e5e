//! Settings of the process.

use gdal_sys::{
    CPLErr, CPLErrorNum, CPLSetErrorHandler, GDALSetCacheMax64, OSRSetPROJEnableNetwork,
};
use std::ffi::{CStr, c_char};

/// Sends what GDAL reports outside of a capture to the log instead of the error output.
pub(crate) fn quiet() {
    // SAFETY: the handler is a plain function that lives as long as the process.
    unsafe { CPLSetErrorHandler(Some(log)) };
}

/// Bounds the block cache of GDAL.
pub(crate) fn set_cache(bytes: u64) {
    // SAFETY: only sets a number.
    unsafe { GDALSetCacheMax64(i64::try_from(bytes).unwrap_or(i64::MAX)) };
}

/// Forbids PROJ to fetch grids.
pub(crate) fn without_network() {
    // SAFETY: only sets a flag.
    unsafe { OSRSetPROJEnableNetwork(0) };
}

unsafe extern "C" fn log(class: CPLErr::Type, _: CPLErrorNum, message: *const c_char) {
    if message.is_null() {
        return;
    }
    // SAFETY: GDAL passes a NUL-terminated text that lives during the call.
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    tracing::debug!(class, %message, "GDAL");
}
