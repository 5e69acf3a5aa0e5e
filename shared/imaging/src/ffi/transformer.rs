//! Positions of one grid in another one.

use super::{
    errors::capture,
    mem::{frame, place},
    strings::Options,
};
use domain::{GeoTransform, Point, Size};
use gdal::{Dataset, spatial_ref::SpatialRef};
use gdal_sys::{
    CPLErr, GDALCreateGenImgProjTransformer2, GDALDestroyGenImgProjTransformer,
    GDALGenImgProjTransform, GDALSuggestedWarpOutput2,
};
use std::ffi::{c_int, c_void};

/// Pixel positions of a source grid in a target grid and back, exact.
pub(crate) struct Transformer {
    handle: *mut c_void,
    /// Described by `handle`; without bands.
    source: Dataset,
}

impl Transformer {
    /// Between two grids, given as transform, size and reference system.
    pub(crate) fn new(
        source: (&GeoTransform, Size, &SpatialRef),
        target: (&GeoTransform, Size, &SpatialRef),
        area_of_interest: Option<[f64; 4]>,
    ) -> Result<Self, String> {
        let source = grid(source)?;
        let target = grid(target)?;
        let handle = between(&source, &target, area_of_interest)?;
        Ok(Self { handle, source })
    }

    /// Positions in the source of positions in the target, pixels; `None` for those without image.
    pub(crate) fn to_source(&self, positions: &[Point]) -> Vec<Option<Point>> {
        let mut x: Vec<f64> = positions.iter().map(|point| point.x).collect();
        let mut y: Vec<f64> = positions.iter().map(|point| point.y).collect();
        let mut z = vec![0.0; positions.len()];
        let mut success: Vec<c_int> = vec![0; positions.len()];
        capture(|| {
            // SAFETY: the four arrays have the announced length; the transformer lives as long as `self`.
            unsafe {
                GDALGenImgProjTransform(
                    self.handle,
                    1,
                    positions.len() as c_int,
                    x.as_mut_ptr(),
                    y.as_mut_ptr(),
                    z.as_mut_ptr(),
                    success.as_mut_ptr(),
                )
            }
        });
        let point = |index: usize| {
            let point = Point::new(x[index], y[index]);
            (success[index] != 0 && point.x.is_finite() && point.y.is_finite()).then_some(point)
        };
        (0..positions.len()).map(point).collect()
    }

    /// Width of one source pixel in target pixels, as GDAL would choose it; `None` when it cannot tell.
    pub(crate) fn natural_resolution(&self) -> Option<f64> {
        let mut suggested = [0.0; 6];
        let mut extent = [0.0; 4];
        let (mut width, mut height) = (0, 0);
        let (status, _) = capture(|| {
            // SAFETY: the transformer belongs to this source, and the outputs have the sizes that GDAL writes.
            unsafe {
                GDALSuggestedWarpOutput2(
                    self.source.c_dataset(),
                    Some(GDALGenImgProjTransform),
                    self.handle,
                    suggested.as_mut_ptr(),
                    &raw mut width,
                    &raw mut height,
                    extent.as_mut_ptr(),
                    0,
                )
            }
        });
        (status == CPLErr::CE_None && suggested[1].is_finite()).then_some(suggested[1])
    }
}

impl Drop for Transformer {
    fn drop(&mut self) {
        // SAFETY: made by `between`, and destroyed only here.
        unsafe { GDALDestroyGenImgProjTransformer(self.handle) };
    }
}

fn grid((transform, size, crs): (&GeoTransform, Size, &SpatialRef)) -> Result<Dataset, String> {
    let mut dataset = frame(size.width as usize, size.height as usize)?;
    place(&mut dataset, transform, crs)?;
    Ok(dataset)
}

/// A general transformer; the caller destroys it. The datasets are not needed any more afterwards.
pub(super) fn between(
    source: &Dataset,
    target: &Dataset,
    area_of_interest: Option<[f64; 4]>,
) -> Result<*mut c_void, String> {
    let area = area_of_interest.map(|[west, south, east, north]| {
        ("AREA_OF_INTEREST", format!("{west},{south},{east},{north}"))
    });
    let options = Options::new(area);
    let (handle, captured) = capture(|| {
        // SAFETY: both datasets are open and the list of options lives during the call.
        unsafe {
            GDALCreateGenImgProjTransformer2(
                source.c_dataset(),
                target.c_dataset(),
                options.as_ptr(),
            )
        }
    });
    if handle.is_null() {
        Err(captured.text())
    } else {
        Ok(handle)
    }
}
