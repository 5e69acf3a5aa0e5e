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
        let length = format.bands * format.dtype.size();
        for start in (0..pixels * length).step_by(length.max(1)) {
            let (one, other) = (part(one, start, length), part(other, start, length));
            // most pixels are the same to the byte, which is seen at once
            if one != other && values(one, format).ne(values(other, format)) {
                self.different += 1;
            }
        }
    }
}

/// The bytes of one pixel.
fn part(samples: Option<&[u8]>, start: usize, length: usize) -> Option<&[u8]> {
    samples?.get(start..start + length)
}

/// The values of one pixel; holes have none.
fn values(pixel: Option<&[u8]>, format: &Format) -> impl Iterator<Item = Option<f64>> {
    let Format {
        bands,
        dtype,
        no_data,
        ..
    } = *format;
    (0..bands).map(move |band| {
        let value = number(dtype, pixel?, band)?;
        is_value(value, no_data).then_some(value)
    })
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
