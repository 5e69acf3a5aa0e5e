use crate::{
    Result,
    cast::{CastPlan, paint_row},
    dtype::to_gdal,
    ffi::MemDataset,
    memory::{checked_size, zeroed},
    sample::{Sample, with_sample},
};
use domain::DType;

/// Pixels in memory: band after band, rows from the first to the last.
///
/// A sample is valid unless it equals `hole`, or is NaN in a floating type. Without `hole` every integer is valid.
#[derive(Clone, Debug)]
pub(crate) struct Raster {
    pub(crate) dtype: DType,
    pub(crate) bands: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) hole: Option<f64>,
    pub(crate) samples: Vec<u8>,
}

impl Raster {
    /// Pixels without data: the hole marker everywhere, or 0 when there is none.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] above `limit` bytes.
    pub(crate) fn empty(
        what: &'static str,
        side: crate::cast::Side,
        (bands, width, height): (usize, usize, usize),
        limit: u64,
    ) -> Result<Self> {
        let size = checked_size(what, &[bands, width, height, side.dtype.size()], limit)?;
        let mut samples = zeroed(what, size)?;
        if let Some(hole) = side.hole.filter(|hole| *hole != 0.0) {
            with_sample!(side.dtype, S => {
                let hole = S::from_f64(hole);
                for sample in samples.chunks_exact_mut(S::SIZE) {
                    hole.store(sample);
                }
            }, undefined => ());
        }
        Ok(Self {
            dtype: side.dtype,
            bands,
            width,
            height,
            hole: side.hole,
            samples,
        })
    }

    /// Casts the valid samples of `other` onto this raster, its first pixel at column and row `at`. Pixels outside
    /// are left out. Returns whether any sample was valid.
    pub(crate) fn paint(&mut self, other: &Self, plan: &CastPlan, at: (usize, usize)) -> bool {
        let columns = other.width.min(self.width.saturating_sub(at.0));
        let rows = other.height.min(self.height.saturating_sub(at.1));
        let (from_size, to_size) = (other.dtype.size(), self.dtype.size());
        let mut any = false;
        for band in 0..other.bands.min(self.bands) {
            for row in 0..rows {
                let from = (band * other.height + row) * other.width * from_size;
                let to = ((band * self.height + at.1 + row) * self.width + at.0) * to_size;
                any |= paint_row(
                    plan,
                    &other.samples[from..from + columns * from_size],
                    &mut self.samples[to..to + columns * to_size],
                );
            }
        }
        any
    }

    /// The same pixels as another side: other type or other hole marker.
    pub(crate) fn cast(&self, plan: &CastPlan, limit: u64) -> Result<Self> {
        let mut cast = Self::empty(
            "a converted window",
            plan.to,
            (self.bands, self.width, self.height),
            limit,
        )?;
        cast.paint(self, plan, (0, 0));
        Ok(cast)
    }

    /// One side of a cast from or to these pixels.
    pub(crate) fn side(&self) -> crate::cast::Side {
        crate::cast::Side {
            dtype: self.dtype,
            hole: self.hole,
        }
    }

    /// Takes the hole marker for a value like any other.
    pub(crate) fn forget_hole(&mut self) {
        self.hole = self.dtype.is_float().then_some(f64::NAN);
    }

    /// Replaces the hole marker of floating samples by NaN.
    pub(crate) fn holes_to_nan(&mut self) {
        if let Some(hole) = self
            .hole
            .filter(|hole| !hole.is_nan() && self.dtype.is_float())
        {
            with_sample!(self.dtype, S => {
                let (hole, nan) = (S::from_f64(hole), S::from_f64(f64::NAN));
                for bytes in self.samples.chunks_exact_mut(S::SIZE) {
                    let sample = S::load(bytes);
                    (if sample == hole { nan } else { sample }).store(bytes);
                }
            }, undefined => ());
        }
        if self.dtype.is_float() {
            self.hole = Some(f64::NAN);
        }
    }

    /// Writes the hole marker, which must exist, where a mask of one byte per pixel says so.
    pub(crate) fn erase(&mut self, band: usize, mask: &[u8], invalid: impl Fn(u8) -> bool) {
        let Some(hole) = self.hole else { return };
        let pixels = self.width * self.height;
        with_sample!(self.dtype, S => {
            let hole = S::from_f64(hole);
            let band = &mut self.samples[band * pixels * S::SIZE..(band + 1) * pixels * S::SIZE];
            for (sample, mask) in band.chunks_exact_mut(S::SIZE).zip(mask) {
                if invalid(*mask) {
                    hole.store(sample);
                }
            }
        }, undefined => ());
    }

    /// Moves samples off the hole marker where a mask of one byte per pixel says that there is data.
    pub(crate) fn restore(&mut self, band: usize, mask: &[u8], valid: impl Fn(u8) -> bool) {
        let Some(hole) = self.hole else { return };
        let pixels = self.width * self.height;
        with_sample!(self.dtype, S => {
            let hole = S::from_f64(hole);
            let band = &mut self.samples[band * pixels * S::SIZE..(band + 1) * pixels * S::SIZE];
            for (bytes, mask) in band.chunks_exact_mut(S::SIZE).zip(mask) {
                let sample = S::load(bytes);
                if sample == hole && valid(*mask) {
                    sample.step_away().store(bytes);
                }
            }
        }, undefined => ());
    }

    /// Sets 255 in a mask of one byte per pixel where any band is valid, the first pixel at `at`.
    pub(crate) fn cover(&self, mask: &mut [u8], size: (usize, usize), at: (usize, usize)) {
        let columns = self.width.min(size.0.saturating_sub(at.0));
        let rows = self.height.min(size.1.saturating_sub(at.1));
        with_sample!(self.dtype, S => {
            let hole = self.hole.map(S::from_f64);
            for band in 0..self.bands {
                for row in 0..rows {
                    let from = (band * self.height + row) * self.width * S::SIZE;
                    let samples = self.samples[from..from + columns * S::SIZE].chunks_exact(S::SIZE);
                    let to = (at.1 + row) * size.0 + at.0;
                    for (mask, sample) in mask[to..to + columns].iter_mut().zip(samples) {
                        let sample = S::load(sample);
                        if !(sample.is_nan() || hole == Some(sample)) {
                            *mask = 255;
                        }
                    }
                }
            }
        }, undefined => ());
    }

    /// A dataset that shares the pixels.
    pub(crate) fn dataset(&mut self) -> Result<MemDataset<'_>, String> {
        MemDataset::over(
            &mut self.samples,
            self.bands,
            (self.width, self.height),
            to_gdal(self.dtype),
            self.dtype.size(),
        )
    }
}
