//! Positions of one grid in another one.

use super::{
    errors::capture,
    operation::{Coordinates, Operation},
};
use domain::{GeoTransform, Point};
use gdal_sys::{
    GDALApproxTransform, GDALCreateApproxTransformer, GDALDestroyApproxTransformer,
    GDALInvGeoTransform,
};
use std::{
    ffi::{c_int, c_void},
    marker::PhantomData,
    rc::Rc,
};

/// Largest error of the approximated positions, in source pixels.
const MAX_ERROR: f64 = 0.125;

/// Pixel positions of a source grid in a target grid and back, exact.
pub(crate) struct Transformer {
    source: Affine,
    target: Affine,
    /// None where coordinates are the same numbers in both.
    operation: Option<Rc<Operation>>,
}

/// A transform and its inverse.
#[derive(Clone, Copy)]
struct Affine {
    forward: GeoTransform,
    backward: GeoTransform,
}

impl Transformer {
    /// Between two grids whose coordinates an operation turns into each other.
    pub(crate) fn new(
        source: &GeoTransform,
        target: &GeoTransform,
        operation: Option<Rc<Operation>>,
    ) -> Result<Self, String> {
        Ok(Self {
            source: Affine::new(source)?,
            target: Affine::new(target)?,
            operation,
        })
    }

    /// The same for parts of the grids, or others of their resolutions.
    pub(crate) fn between_grids(
        &self,
        source: &GeoTransform,
        target: &GeoTransform,
    ) -> Result<Self, String> {
        Self::new(source, target, self.operation.clone())
    }

    /// Positions in the source of positions in the target, pixels; `None` for those without image.
    pub(crate) fn to_source(&self, positions: &[Point]) -> Vec<Option<Point>> {
        let mut x: Vec<f64> = positions.iter().map(|point| point.x).collect();
        let mut y: Vec<f64> = positions.iter().map(|point| point.y).collect();
        let mut z = vec![0.0; positions.len()];
        let mut found: Vec<c_int> = vec![0; positions.len()];
        let mut points = Coordinates {
            x: &mut x,
            y: &mut y,
            z: &mut z,
            found: &mut found,
        };
        capture(|| self.apply(true, &mut points));
        let point = |index: usize| {
            let point = Point::new(x[index], y[index]);
            (found[index] != 0 && point.x.is_finite() && point.y.is_finite()).then_some(point)
        };
        (0..positions.len()).map(point).collect()
    }

    /// Positions in the source of the middles of the target's pixels, row after row, as GDAL's warper approximates
    /// them.
    pub(crate) fn scan(
        &self,
        (width, height): (usize, usize),
        mut visit: impl FnMut(&Scanned<'_>),
    ) -> Result<(), String> {
        let approximate = Approximate::new(self)?;
        let (mut x, mut y) = (vec![0.0; width], vec![0.0; width]);
        let (mut z, mut found) = (vec![0.0; width], vec![0; width]);
        for row in 0..height {
            for (column, x) in x.iter_mut().enumerate() {
                *x = middle(column);
            }
            y.fill(middle(row));
            z.fill(0.0);
            found.fill(0);
            // SAFETY: the four arrays have `width` members, and the transformer is alive.
            capture(|| unsafe {
                GDALApproxTransform(
                    approximate.as_ptr(),
                    1,
                    width as c_int,
                    x.as_mut_ptr(),
                    y.as_mut_ptr(),
                    z.as_mut_ptr(),
                    found.as_mut_ptr(),
                )
            });
            visit(&Scanned {
                exact: self,
                row,
                x: &x,
                y: &y,
                found: &found,
            });
        }
        Ok(())
    }

    /// Both grids and what lies between, in the steps and by the arithmetic of GDAL's general transformer, so that
    /// positions fall on the same side of the edges of pixels.
    fn apply(&self, to_source: bool, points: &mut Coordinates<'_>) {
        let (first, last) = if to_source {
            (&self.target.forward, &self.source.backward)
        } else {
            (&self.source.forward, &self.target.backward)
        };
        points.found.fill(1);
        points.each(first);
        if let Some(operation) = &self.operation {
            operation.apply(to_source, points);
        }
        points.each(last);
    }
}

/// Positions in the source of a row of the target.
pub(crate) struct Scanned<'s> {
    exact: &'s Transformer,
    row: usize,
    x: &'s [f64],
    y: &'s [f64],
    found: &'s [c_int],
}

impl Scanned<'_> {
    /// The approximated positions, column after column; `None` for those without image.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Option<Point>> {
        let points = self.x.iter().zip(self.y).zip(self.found);
        points.map(|((x, y), found)| (*found != 0).then_some(Point::new(*x, *y)))
    }

    /// The position of one column without approximation.
    pub(crate) fn exact(&self, column: usize) -> Option<Point> {
        let position = Point::new(middle(column), middle(self.row));
        self.exact.to_source(&[position])[0]
    }
}

/// The middle of a pixel along an axis.
fn middle(pixel: usize) -> f64 {
    pixel as f64 + 0.5
}

/// Exact at both ends and in the middle of a row of positions, and linear between where that is near enough.
pub(super) struct Approximate<'t> {
    handle: *mut c_void,
    exact: PhantomData<&'t Transformer>,
}

impl<'t> Approximate<'t> {
    pub(super) fn new(exact: &'t Transformer) -> Result<Self, String> {
        let pointer: *const Transformer = exact;
        // SAFETY: `transform` is given the transformer that it expects, which outlives this one; it is only read,
        // though the interface has no word for that.
        let handle = unsafe {
            GDALCreateApproxTransformer(Some(transform), pointer.cast_mut().cast(), MAX_ERROR)
        };
        if handle.is_null() {
            return Err("no transformer".to_owned());
        }
        Ok(Self {
            handle,
            exact: PhantomData,
        })
    }

    /// For [`GDALApproxTransform`], as long as this lives.
    pub(super) fn as_ptr(&self) -> *mut c_void {
        self.handle
    }
}

impl Drop for Approximate<'_> {
    fn drop(&mut self) {
        // SAFETY: not null, and destroyed only here.
        unsafe { GDALDestroyApproxTransformer(self.handle) };
    }
}

impl Coordinates<'_> {
    /// Moves those that have an image.
    fn each(&mut self, transform: &GeoTransform) {
        let points = self
            .x
            .iter_mut()
            .zip(self.y.iter_mut())
            .zip(self.found.iter_mut());
        for ((x, y), found) in points {
            if !x.is_finite() || !y.is_finite() {
                *found = 0;
            }
            if *found != 0 {
                let point = transform.apply(*x, *y);
                (*x, *y) = (point.x, point.y);
            }
        }
    }
}

impl Affine {
    fn new(transform: &GeoTransform) -> Result<Self, String> {
        let (mut forward, mut backward) = (transform.0, [0.0; 6]);
        // SAFETY: both arrays have six members.
        let inverted = unsafe { GDALInvGeoTransform(forward.as_mut_ptr(), backward.as_mut_ptr()) };
        if inverted == 0 {
            return Err("the transform of a grid has no inverse".to_owned());
        }
        Ok(Self {
            forward: *transform,
            backward: GeoTransform(backward),
        })
    }
}

/// What GDAL calls to move points; `transformer` is a [`Transformer`].
///
/// # Safety
/// `transformer` points to a transformer that lives during the call, the arrays have `count` members.
unsafe extern "C" fn transform(
    transformer: *mut c_void,
    to_source: c_int,
    count: c_int,
    x: *mut f64,
    y: *mut f64,
    z: *mut f64,
    found: *mut c_int,
) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 {
        return 1;
    }
    // SAFETY: as this function asks of its callers; nobody else uses the arrays meanwhile.
    let (transformer, mut points) = unsafe {
        (
            &*transformer.cast::<Transformer>(),
            Coordinates {
                x: std::slice::from_raw_parts_mut(x, count),
                y: std::slice::from_raw_parts_mut(y, count),
                z: std::slice::from_raw_parts_mut(z, count),
                found: std::slice::from_raw_parts_mut(found, count),
            },
        )
    };
    transformer.apply(to_source != 0, &mut points);
    1
}
