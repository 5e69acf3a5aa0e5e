//! Positions of one grid in another one.

use super::{
    errors::capture,
    mem::{frame, place},
    strings::Options,
};
use domain::{GeoTransform, Point, Size};
use gdal::{Dataset, spatial_ref::SpatialRef};
use gdal_sys::{
    GDALCreateGenImgProjTransformer2, GDALDestroyGenImgProjTransformer, GDALGenImgProjTransform,
};
use std::ffi::{c_int, c_void};

/// What lies between the reference systems of two grids.
#[derive(Clone, Copy)]
pub(crate) enum Between {
    /// Nothing: coordinates are the same numbers, longitudes beyond a revolution included.
    Nothing,
    /// An operation, chosen for the west, south, east and north of the whole source in degrees where they are known.
    Operation { area: Option<[f64; 4]> },
}

/// Pixel positions of a source grid in a target grid and back, exact.
pub(crate) struct Transformer {
    handle: *mut c_void,
}

impl Transformer {
    /// Between two grids, given as transform, size and reference system.
    pub(crate) fn new(
        source: (&GeoTransform, Size, &SpatialRef),
        target: (&GeoTransform, Size, &SpatialRef),
        systems: Between,
    ) -> Result<Self, String> {
        let handle = between(&grid(source)?, &grid(target)?, systems)?;
        Ok(Self { handle })
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
    systems: Between,
) -> Result<*mut c_void, String> {
    let options = Options::new(match systems {
        // Else GDAL looks for an operation from a geographic system to itself, and finds none out of its area of use.
        Between::Nothing => Some(("INSERT_CENTER_LONG", "NO".to_owned())),
        Between::Operation { area } => area.map(|[west, south, east, north]| {
            ("AREA_OF_INTEREST", format!("{west},{south},{east},{north}"))
        }),
    });
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
