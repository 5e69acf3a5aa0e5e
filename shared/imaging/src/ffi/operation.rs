//! Coordinate operations between two reference systems.

use super::{errors::capture, strings::Options};
use gdal::spatial_ref::SpatialRef;
use gdal_sys::{
    GDALCreateReprojectionTransformerEx, GDALDestroyReprojectionTransformer,
    GDALReprojectionTransform,
};
use std::ffi::{c_int, c_void};

/// What an operation is chosen for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope {
    /// West, south, east and north in degrees.
    pub(crate) area: Option<[f64; 4]>,
    /// Longitude around which those of a geographic source lie.
    pub(crate) middle: Option<f64>,
}

/// An operation and its inverse. Making one asks PROJ's database; using it does not.
pub(crate) struct Operation {
    handle: *mut c_void,
}

/// Coordinates of points, changed in place, with a flag each: not 0 for those that have an image.
pub(super) struct Coordinates<'a> {
    pub(super) x: &'a mut [f64],
    pub(super) y: &'a mut [f64],
    pub(super) z: &'a mut [f64],
    pub(super) found: &'a mut [c_int],
}

impl Operation {
    /// The best operation between two systems.
    pub(crate) fn new(
        source: &SpatialRef,
        target: &SpatialRef,
        scope: Scope,
    ) -> Result<Self, String> {
        let area = scope.area.map(|[west, south, east, north]| {
            ("AREA_OF_INTEREST", format!("{west},{south},{east},{north}"))
        });
        let middle = scope
            .middle
            .map(|middle| ("CENTER_LONG", middle.to_string()));
        let options = Options::new(area.into_iter().chain(middle));
        let (handle, captured) = capture(|| {
            // SAFETY: both systems and the list of options live during the call, which copies what it keeps.
            unsafe {
                GDALCreateReprojectionTransformerEx(
                    source.to_c_hsrs(),
                    target.to_c_hsrs(),
                    options.as_ptr().cast(),
                )
            }
        });
        if handle.is_null() {
            Err(captured.text())
        } else {
            Ok(Self { handle })
        }
    }

    /// From target to source, or back.
    pub(super) fn apply(&self, to_source: bool, points: &mut Coordinates<'_>) {
        let count = points.x.len();
        debug_assert!([points.y.len(), points.z.len(), points.found.len()] == [count; 3]);
        // SAFETY: the arrays have `count` members, as those who make `Coordinates` see to; the handle lives as long
        // as `self`, which stays on its thread.
        unsafe {
            GDALReprojectionTransform(
                self.handle,
                c_int::from(to_source),
                count as c_int,
                points.x.as_mut_ptr(),
                points.y.as_mut_ptr(),
                points.z.as_mut_ptr(),
                points.found.as_mut_ptr(),
            );
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and destroyed only here.
        unsafe { GDALDestroyReprojectionTransformer(self.handle) };
    }
}
