//! Overviews inside a file.

use super::thread_options::ThreadOptions;
use crate::ffi::capture;
use domain::Resampling;
use gdal::Dataset;

/// Name of a kernel, as far as it builds overviews.
pub(super) fn kernel_name(kernel: Resampling) -> &'static str {
    match kernel {
        Resampling::Near
        | Resampling::Max
        | Resampling::Min
        | Resampling::Med
        | Resampling::Q1
        | Resampling::Q3 => "NEAREST",
        Resampling::Bilinear
        | Resampling::Cubic
        | Resampling::CubicSpline
        | Resampling::Lanczos
        | Resampling::Average
        | Resampling::Mode => kernel.name(),
    }
}

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
