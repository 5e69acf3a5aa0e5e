//! From values to shades.

use super::Format;
use crate::demo::samples::{is_value, number};

/// Values looked at per band, spread over all the images.
const LOOKED_AT: usize = 60_000;

/// The interval of values that is spread over the shades, for each colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Value of the darkest shade.
    pub low: [f64; 3],
    /// Value of the lightest one.
    pub high: [f64; 3],
}

impl Stretch {
    /// From the 1st to the 98th percentile of all the images together, so that days can be compared.
    pub fn of(images: &[&[u8]], format: &Format) -> Self {
        let bands = if format.bands >= 3 { [0, 1, 2] } else { [0; 3] };
        let pixels = format.width * format.height;
        let stride = (images.len() * pixels / LOOKED_AT).max(1);
        let mut stretch = Self {
            low: [0.0; 3],
            high: [1.0; 3],
        };
        for (shade, band) in bands.into_iter().enumerate() {
            let mut values: Vec<f64> = images
                .iter()
                .flat_map(|image| {
                    (0..pixels).step_by(stride).filter_map(|pixel| {
                        number(format.dtype, image, pixel * format.bands + band)
                    })
                })
                .filter(|value| is_value(*value, format.no_data) && value.is_finite())
                .collect();
            values.sort_by(f64::total_cmp);
            let at = |share: f64| {
                values
                    .get((share * (values.len() as f64 - 1.0)) as usize)
                    .copied()
            };
            if let (Some(low), Some(high)) = (at(0.01), at(0.98)) {
                stretch.low[shade] = low;
                stretch.high[shade] = if high > low { high } else { low + 1.0 };
            }
        }
        stretch
    }

    /// Red, green and blue of values, a little lighter in the dark.
    pub fn colour(&self, values: [f64; 3]) -> [u8; 3] {
        std::array::from_fn(|shade| {
            let (low, high) = (self.low[shade], self.high[shade]);
            let share = ((values[shade] - low) / (high - low)).clamp(0.0, 1.0);
            (share.powf(0.75) * 255.0).round() as u8
        })
    }

    /// The interval of all the bands together.
    pub fn range(&self) -> (f64, f64) {
        let low = self.low.into_iter().fold(f64::INFINITY, f64::min);
        let high = self.high.into_iter().fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    }
}
