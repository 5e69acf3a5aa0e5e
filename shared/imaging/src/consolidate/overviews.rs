//! Overviews inside a file.

use crate::ffi::capture;
use gdal::{Dataset, config};

/// Builds overviews of all bands, with configuration options that hold for this call on this thread only.
pub(super) fn build_overviews(
    dataset: &mut Dataset,
    factors: &[u32],
    resampling: &str,
    options: &[(String, String)],
) -> Result<(), String> {
    let _options = ThreadOptions::set(options)?;
    let factors: Vec<i32> = factors.iter().map(|factor| *factor as i32).collect();
    let (result, captured) = capture(|| dataset.build_overviews(resampling, &factors, &[]));
    match result {
        Ok(()) if !captured.failed() => Ok(()),
        Ok(()) => Err(captured.text()),
        Err(_) if captured.failed() => Err(captured.text()),
        Err(error) => Err(error.to_string()),
    }
}

/// Clears the options when it is dropped.
struct ThreadOptions<'a>(&'a [(String, String)]);

impl<'a> ThreadOptions<'a> {
    fn set(options: &'a [(String, String)]) -> Result<Self, String> {
        let guard = Self(options);
        for (key, value) in options {
            config::set_thread_local_config_option(key, value)
                .map_err(|error| error.to_string())?;
        }
        Ok(guard)
    }
}

impl Drop for ThreadOptions<'_> {
    fn drop(&mut self) {
        for (key, _) in self.0 {
            if let Err(error) = config::clear_thread_local_config_option(key) {
                tracing::warn!(key, %error, "option of the raster library not cleared");
            }
        }
    }
}
