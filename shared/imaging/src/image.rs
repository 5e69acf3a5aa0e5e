use crate::{
    Result,
    cast::{CastPlan, Side},
    raster::Raster,
    source::Reads,
};
use domain::{DType, DataFormat, Size};

/// A merged image.
#[derive(Clone, Debug)]
pub struct Image {
    raster: Raster,
    size: Size,
    any_valid: bool,
    /// 255 where any band of a source had data, else 0; one byte per pixel.
    coverage: Option<Vec<u8>>,
    reads: Reads,
}

impl Image {
    /// An image of `bands` bands without any data.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] above `limit` bytes.
    pub fn empty(format: &DataFormat, bands: usize, size: Size, limit: u64) -> Result<Self> {
        let shape = (bands, size.width as usize, size.height as usize);
        let side = Side::of(format);
        let raster = Raster::empty("the image", side, shape, limit)?;
        let coverage = match side.hole {
            Some(_) => None,
            None => Some(crate::memory::zeroed(
                "the coverage of the image",
                shape.1 * shape.2,
            )?),
        };
        Ok(Self {
            raster,
            size,
            any_valid: false,
            coverage,
            reads: Reads::default(),
        })
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.raster.bands
    }

    /// Pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Type of the samples.
    pub fn dtype(&self) -> DType {
        self.raster.dtype
    }

    /// Sample without data; `None` when the format has none.
    pub fn no_data(&self) -> Option<f64> {
        self.raster.hole
    }

    /// Whether any sample of any band came from a valid sample of a source.
    pub fn any_valid(&self) -> bool {
        self.any_valid
    }

    /// 255 where a source had data, else 0, one byte per pixel; only for formats without a sample for holes.
    pub fn coverage(&self) -> Option<&[u8]> {
        self.coverage.as_deref()
    }

    /// How many windows of sources were read for it, and by what.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// Counts windows that were read for it.
    pub(crate) fn add_reads(&mut self, reads: Reads) {
        self.reads += reads;
    }

    /// Samples of this machine's byte order, band after band.
    pub fn as_band_sequential(&self) -> &[u8] {
        &self.raster.samples
    }

    /// As [`Image::as_band_sequential`], without a copy.
    pub fn into_band_sequential(self) -> Vec<u8> {
        self.raster.samples
    }

    /// Samples of this machine's byte order, the bands of a pixel side by side. An image of one band is not copied.
    pub fn into_interleaved(self) -> Vec<u8> {
        if self.raster.bands <= 1 {
            return self.raster.samples;
        }
        match self.raster.dtype.size() {
            1 => interleave::<1>(&self.raster.samples, self.raster.bands),
            2 => interleave::<2>(&self.raster.samples, self.raster.bands),
            4 => interleave::<4>(&self.raster.samples, self.raster.bands),
            _ => interleave::<8>(&self.raster.samples, self.raster.bands),
        }
    }

    pub(crate) fn raster(&self) -> &Raster {
        &self.raster
    }

    pub(crate) fn raster_mut(&mut self) -> &mut Raster {
        &mut self.raster
    }

    /// Paints the valid samples of a raster over this image, its first pixel at `at`.
    pub(crate) fn paint(&mut self, raster: &Raster, plan: &CastPlan, at: (usize, usize)) {
        self.any_valid |= self.raster.paint(raster, plan, at);
        if let Some(coverage) = &mut self.coverage {
            raster.cover(coverage, (self.raster.width, self.raster.height), at);
        }
    }

    /// Paints samples that are no data, to be seen where nothing else is painted.
    pub(crate) fn paint_ground(&mut self, raster: &Raster, plan: &CastPlan, at: (usize, usize)) {
        self.raster.paint(raster, plan, at);
    }
}

fn interleave<const N: usize>(samples: &[u8], bands: usize) -> Vec<u8> {
    let mut interleaved = vec![0; samples.len()];
    let band_bytes = samples.len() / bands;
    for (band, samples) in samples.chunks_exact(band_bytes.max(1)).enumerate() {
        let pixels = interleaved.chunks_exact_mut(N * bands);
        for (pixel, sample) in pixels.zip(samples.chunks_exact(N)) {
            pixel[band * N..(band + 1) * N].copy_from_slice(sample);
        }
    }
    interleaved
}

#[cfg(test)]
mod tests {
    use super::interleave;

    #[test]
    fn the_bands_of_a_pixel_come_together() {
        let samples = [1, 0, 2, 0, 3, 0, 10, 0, 20, 0, 30, 0];
        assert_eq!(
            interleave::<2>(&samples, 2),
            [1, 0, 10, 0, 2, 0, 20, 0, 3, 0, 30, 0]
        );
        assert_eq!(interleave::<1>(&[1, 2, 3, 4, 5, 6], 3), [1, 3, 5, 2, 4, 6]);
    }
}
