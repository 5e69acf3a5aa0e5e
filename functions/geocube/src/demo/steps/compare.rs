//! The cube of before and the cube of after.

use crate::demo::client::Cube;
use crate::demo::samples::{is_value, number};
use crate::demo::sheet::Format;

/// How two cubes differ.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Pixels of both cubes.
    pub pixels: u64,
    /// Pixels that are not the same in all their bands.
    pub different: u64,
}

impl Difference {
    /// Compares image by image.
    ///
    /// # Errors
    /// When the cubes do not show the same records.
    pub fn between(before: &Cube, after: &Cube, format: &Format) -> anyhow::Result<Self> {
        anyhow::ensure!(
            before.slices.len() == after.slices.len(),
            "{} images before, {} after",
            before.slices.len(),
            after.slices.len()
        );
        let mut difference = Self::default();
        for (one, other) in before.slices.iter().zip(&after.slices) {
            anyhow::ensure!(
                one.records == other.records,
                "the images are not of the same records"
            );
            difference.add(one.pixels.as_deref(), other.pixels.as_deref(), format);
        }
        Ok(difference)
    }

    /// The share of equal pixels.
    pub fn text(&self) -> String {
        let equal = self.pixels - self.different;
        format!("{:.3}%", 100.0 * equal as f64 / self.pixels.max(1) as f64)
    }

    fn add(&mut self, one: Option<&[u8]>, other: Option<&[u8]>, format: &Format) {
        let pixels = format.width * format.height;
        self.pixels += pixels as u64;
        if one == other {
            return;
        }
        let same_sample = |index: usize| {
            let read = |samples: Option<&[u8]>| {
                let value = samples.and_then(|samples| number(format.dtype, samples, index));
                value.filter(|value| is_value(*value, format.no_data))
            };
            read(one) == read(other)
        };
        let different = (0..pixels).filter(|pixel| {
            let first = pixel * format.bands;
            !(first..first + format.bands).all(same_sample)
        });
        self.different += different.count() as u64;
    }
}

#[cfg(test)]
mod tests {
    use domain::DType;

    use super::*;

    const FORMAT: Format = Format {
        bands: 2,
        width: 2,
        height: 1,
        dtype: DType::UInt8,
        no_data: 0.0,
    };

    #[test]
    fn a_pixel_differs_when_one_of_its_bands_does() {
        for (one, other, different) in [
            (Some(&[1, 2, 3, 4][..]), Some(&[1, 2, 3, 4][..]), 0),
            (Some(&[1, 2, 3, 4]), Some(&[1, 2, 3, 5]), 1),
            (Some(&[1, 2, 3, 4]), Some(&[9, 2, 3, 5]), 2),
            (Some(&[0, 0, 3, 4]), None, 1),
            (Some(&[0, 0, 0, 0]), None, 0),
            (None, None, 0),
        ] {
            let mut difference = Difference::default();
            difference.add(one, other, &FORMAT);
            assert_eq!(
                difference,
                Difference {
                    pixels: 2,
                    different
                }
            );
        }
    }
}
