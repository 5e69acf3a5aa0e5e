//! Which pixel of a source is nearest to each pixel of a target. The images of a time series mostly lie on one grid:
//! for all of them this is found out once.

use super::{Warped, part::Part};
use crate::{
    Error, Result, Target,
    ffi::{Scanned, Window},
    lru::Lru,
    raster::Raster,
    source::Source,
};
use domain::{Point, Size};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Pairs of grids whose picks are kept.
const KEPT: usize = 8;

/// Most pixels of a target whose picks are kept, of 4 bytes each: all that is kept takes 32 MB at most.
const LARGEST_KEPT: u64 = 1 << 20;

/// Bytes for each pixel of a part while its picks are found.
pub(super) const PIXEL_BYTES: u64 = 16;

/// The place of pixels of the target that the source does not reach.
const NOWHERE: u32 = u32::MAX;

/// The same as column and row of the source, which has none such.
const OUTSIDE: [u32; 2] = [NOWHERE; 2];

/// A position this little before the edge of a pixel belongs to the next one, as in GDAL's warper.
const ROUNDING: f64 = 1e-10;

static PICKS: LazyLock<Mutex<Lru<Grids, Arc<Picks>>>> =
    LazyLock::new(|| Mutex::new(Lru::new(KEPT)));

/// What picks depend on: both grids with their systems by the bits of their numbers, and the memory of a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grids {
    systems: (u64, u64),
    source: ([u64; 6], Size),
    overviews: Vec<Size>,
    target: ([u64; 6], Size),
    pixel_bytes: u64,
    window_bytes: u64,
}

/// Which pixels a target takes from a source.
#[derive(Debug)]
pub(super) struct Picks {
    /// Resolution of the source.
    pub(super) overview: Option<usize>,
    /// Parts of the target, without those that the source does not reach.
    pub(super) parts: Vec<Picked>,
}

/// Which pixels a part of a target takes.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) part: Part,
    /// Pixels of the source that it needs, and no others around them.
    pub(super) window: Window,
    /// For each pixel its place in the window, row after row; as long as it has to be.
    places: Box<[u32]>,
}

impl Grids {
    pub(super) fn of(source: &Source, target: &Target, bytes: (u64, u64)) -> Self {
        let (transform, size) = source.grid(None);
        Self {
            systems: (source.crs().id(), target.crs.id()),
            source: (transform.0.map(f64::to_bits), size),
            overviews: source.overviews().to_vec(),
            target: (target.transform.0.map(f64::to_bits), target.size),
            pixel_bytes: bytes.0,
            window_bytes: bytes.1,
        }
    }

    /// What is known about them.
    pub(super) fn picks(&self) -> Option<Arc<Picks>> {
        PICKS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(self)
            .cloned()
    }

    /// Whether what is found out about them may be kept.
    pub(super) fn are_small(&self) -> bool {
        self.target.1.pixels() <= LARGEST_KEPT
    }

    /// Keeps what was found out about all parts of a small target.
    pub(super) fn keep(self, picks: Picks) {
        let mut kept = PICKS.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(self, Arc::new(picks));
    }
}

impl Picked {
    /// Finds the pixels for a part; `None` when the source does not reach there. Takes up to [`PIXEL_BYTES`] for each
    /// pixel of the part.
    pub(super) fn find(warped: &Warped<'_>, target: &Target, part: Part) -> Result<Option<Self>> {
        let failed = |reason| Error::gdal("transforming coordinates", reason);
        let (grid, size) = warped.source.grid(warped.overview);
        let corner = part.corner();
        let own = target.part(corner.0, corner.1, part.size);
        let transformer = warped
            .transformer
            .between_grids(&grid, &own.transform)
            .map_err(failed)?;
        let shape = (part.size.width as usize, part.size.height as usize);
        let mut pixels = Vec::with_capacity(shape.0 * shape.1);
        let mut bounds = Bounds::NONE;
        let visit = |row: &Scanned<'_>| {
            pixels.extend(row.positions().enumerate().map(|(column, near)| {
                let exact = || row.exact(column).and_then(|point| nearest(point, size));
                let pixel = near.and_then(|point| match nearest(point, size) {
                    None if is_just_outside(point, size) => exact(),
                    pixel => pixel,
                });
                pixel.map_or(OUTSIDE, |pixel| bounds.take_in(pixel))
            }));
        };
        transformer.scan(shape, visit).map_err(failed)?;
        let Some(window) = bounds.window() else {
            return Ok(None);
        };
        if window.pixels() >= NOWHERE as usize {
            return Err(Error::TooLarge {
                what: "the window of a source",
                needed: window.pixels() as u64,
                limit: u64::from(NOWHERE),
            });
        }
        let place = |[x, y]: [u32; 2]| match [x, y] {
            OUTSIDE => NOWHERE,
            _ => (y - window.y as u32) * window.width as u32 + (x - window.x as u32),
        };
        Ok(Some(Self {
            part,
            window,
            places: pixels.iter().map(|pixel| place(*pixel)).collect(),
        }))
    }

    /// Copies the pixels of the window to where they belong; others stay as they are.
    pub(super) fn gather(&self, window: &Raster, part: &mut Raster) {
        match window.dtype.size() {
            1 => self.gather_samples::<1>(window, part),
            2 => self.gather_samples::<2>(window, part),
            4 => self.gather_samples::<4>(window, part),
            _ => self.gather_samples::<8>(window, part),
        }
    }

    fn gather_samples<const BYTES: usize>(&self, window: &Raster, part: &mut Raster) {
        let (from, _) = window.samples.as_chunks::<BYTES>();
        let (to, _) = part.samples.as_chunks_mut::<BYTES>();
        let from = from.chunks_exact((window.width * window.height).max(1));
        let to = to.chunks_exact_mut((part.width * part.height).max(1));
        for (from, to) in from.zip(to) {
            for (sample, place) in to.iter_mut().zip(self.places.iter()) {
                if let Some(found) = from.get(*place as usize) {
                    *sample = *found;
                }
            }
        }
    }
}

/// The pixel at a position, by the rule of GDAL's warper.
fn nearest(point: Point, size: Size) -> Option<[u32; 2]> {
    let axis = |position: f64, length: u32| {
        let inside = position >= 0.0 && position + ROUNDING <= f64::from(length);
        // what is not negative is cut to its whole part
        inside.then(|| ((position + ROUNDING) as u32).min(length - 1))
    };
    Some([axis(point.x, size.width)?, axis(point.y, size.height)?])
}

/// Whether an approximated position is outside of the source, by less than a pixel, so that the exact one may be inside.
fn is_just_outside(point: Point, size: Size) -> bool {
    let within = |margin: f64| {
        let axis = |position: f64, length: u32| {
            position >= -margin && position + ROUNDING <= f64::from(length) + margin
        };
        axis(point.x, size.width) && axis(point.y, size.height)
    };
    within(1.0) && !within(0.0)
}

/// First and last column and row of pixels of the source.
struct Bounds {
    min: [u32; 2],
    max: [u32; 2],
}

impl Bounds {
    /// Of no pixel.
    const NONE: Self = Self {
        min: [u32::MAX; 2],
        max: [0; 2],
    };

    /// Takes in one more pixel, and returns it.
    fn take_in(&mut self, [x, y]: [u32; 2]) -> [u32; 2] {
        self.min = [self.min[0].min(x), self.min[1].min(y)];
        self.max = [self.max[0].max(x), self.max[1].max(y)];
        [x, y]
    }

    /// The smallest window with all the pixels.
    fn window(&self) -> Option<Window> {
        let length = |axis: usize| Some((self.max[axis].checked_sub(self.min[axis])? + 1) as usize);
        Some(Window {
            x: self.min[0] as usize,
            y: self.min[1] as usize,
            width: length(0)?,
            height: length(1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::DType;

    #[test]
    fn positions_on_the_edges_of_pixels_belong_to_the_next_one() {
        let size = Size {
            width: 4,
            height: 2,
        };
        for (x, y, expected) in [
            (0.0, 0.0, Some([0, 0])),
            (0.999, 1.999, Some([0, 1])),
            (1.0 - 1e-11, 1.0, Some([1, 1])),
            (4.0 - 1e-10, 2.0 - 1e-10, Some([3, 1])),
            (4.0, 1.0, None),
            (-1e-12, 1.0, None),
            (1.0, 2.5, None),
            (f64::NAN, 1.0, None),
        ] {
            assert_eq!(nearest(Point::new(x, y), size), expected, "{x} {y}");
        }
    }

    #[test]
    fn pixels_come_from_their_places_in_every_band() {
        let raster = |samples: &[u16], width, height| Raster {
            dtype: DType::UInt16,
            bands: 2,
            width,
            height,
            hole: Some(9.0),
            samples: samples
                .iter()
                .flat_map(|sample| sample.to_ne_bytes())
                .collect(),
        };
        let window = raster(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 2);
        let mut part = raster(&[9; 6], 3, 1);
        let picked = Picked {
            part: Part {
                column: 0,
                row: 0,
                size: Size {
                    width: 3,
                    height: 1,
                },
            },
            window: Window {
                x: 0,
                y: 0,
                width: 2,
                height: 2,
            },
            places: [3, NOWHERE, 0].into(),
        };
        picked.gather(&window, &mut part);
        assert_eq!(part.samples, raster(&[4, 9, 1, 8, 9, 5], 3, 1).samples);
    }
}
