//! A contact sheet: one picture of a whole time series.

mod font;
mod stretch;

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context;
use domain::DType;

use super::samples::{is_value, number};

pub use stretch::Stretch;

/// Longest side of a picture on the sheet.
const LONGEST_SIDE: usize = 360;
/// Small images are enlarged up to this side.
const SMALLEST_SIDE: usize = 200;
const GAP: usize = 12;
const CAPTION: usize = 26;
const BACKGROUND: [u8; 3] = [22, 24, 29];
const HOLE: [[u8; 3]; 2] = [[44, 47, 54], [50, 53, 61]];
const INK: [u8; 3] = [214, 218, 226];

/// How the samples of the images are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Number of bands.
    pub bands: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Type of the samples.
    pub dtype: DType,
    /// Hole marker.
    pub no_data: f64,
}

/// One picture and what stands below it.
pub struct Picture<'a> {
    /// Digits, `-` and `:`; anything else is left blank.
    pub caption: String,
    /// Samples, or nothing where no pixel is valid.
    pixels: Option<&'a [u8]>,
}

impl<'a> Picture<'a> {
    /// A picture of one slice.
    pub fn new(caption: String, pixels: Option<&'a [u8]>) -> Self {
        Self { caption, pixels }
    }
}

/// An RGB image.
pub struct Canvas {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    rgb: Vec<u8>,
}

/// Draws the pictures in reading order, all with the same stretch.
pub fn draw(pictures: &[Picture<'_>], format: &Format, stretch: &Stretch) -> Canvas {
    let longest = format.width.max(format.height).max(1);
    // whole factors, so that pixels stay pixels
    let (grow, shrink) = if longest < SMALLEST_SIDE {
        (SMALLEST_SIDE.div_ceil(longest), 1)
    } else {
        (1, longest.div_ceil(LONGEST_SIDE))
    };
    let (width, height) = (
        (format.width * grow).div_ceil(shrink),
        (format.height * grow).div_ceil(shrink),
    );
    let columns = columns(pictures.len(), width, height);
    let rows = pictures.len().div_ceil(columns);
    let mut canvas = Canvas::new(
        GAP + columns * (width + GAP),
        GAP + rows * (height + CAPTION + GAP),
    );
    for (index, picture) in pictures.iter().enumerate() {
        let left = GAP + (index % columns) * (width + GAP);
        let top = GAP + (index / columns) * (height + CAPTION + GAP);
        for y in 0..height {
            for x in 0..width {
                let colour = picture
                    .pixels
                    .and_then(|pixels| average(pixels, format, stretch, (x, y), grow, shrink));
                let hole = HOLE[(x / 6 + y / 6) % 2];
                canvas.put(left + x, top + y, colour.unwrap_or(hole));
            }
        }
        font::write(&picture.caption, 2, |x, y| {
            canvas.put(left + x, top + height + 7 + y, INK);
        });
    }
    canvas
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        let rgb = BACKGROUND.repeat(width * height);
        Self { width, height, rgb }
    }

    fn put(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < self.width && y < self.height {
            let start = 3 * (y * self.width + x);
            self.rgb[start..start + 3].copy_from_slice(&colour);
        }
    }

    /// Writes the picture as PNG, all of it or nothing.
    ///
    /// # Errors
    /// Those of the file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let beside = path.with_extension("png.part");
        let cannot = || format!("cannot write {}", path.display());
        let file = BufWriter::new(File::create(&beside).with_context(cannot)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()?;
        std::fs::rename(&beside, path).with_context(cannot)
    }
}

/// The number of columns that makes the sheet about as wide as a screen.
fn columns(count: usize, width: usize, height: usize) -> usize {
    let shape = |columns: usize| {
        let rows = count.div_ceil(columns);
        let shape = (columns * (width + GAP)) as f64 / (rows * (height + CAPTION + GAP)) as f64;
        // an incomplete last row is a little uglier than a shape that is a little off
        (shape / 1.6).ln().abs() + 0.2 * ((columns * rows - count) as f64 / columns as f64)
    };
    (1..=count.max(1))
        .min_by(|a, b| shape(*a).total_cmp(&shape(*b)))
        .unwrap_or(1)
}

/// Colour of a pixel of the sheet: the mean of the valid pixels below it.
fn average(
    pixels: &[u8],
    format: &Format,
    stretch: &Stretch,
    at: (usize, usize),
    grow: usize,
    shrink: usize,
) -> Option<[u8; 3]> {
    let (x, y) = (at.0 / grow * shrink, at.1 / grow * shrink);
    let mut sums = [0.0; 3];
    let mut count = 0.0;
    for row in y..(y + shrink).min(format.height) {
        for column in x..(x + shrink).min(format.width) {
            let first = (row * format.width + column) * format.bands;
            let band = |band: usize| number(format.dtype, pixels, first + band);
            let colour = if format.bands >= 3 { [0, 1, 2] } else { [0; 3] };
            let [red, green, blue] = colour.map(band);
            let values = [red?, green?, blue?];
            if values.iter().all(|value| is_value(*value, format.no_data)) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += value;
                }
                count += 1.0;
            }
        }
    }
    (count > 0.0).then(|| stretch.colour(sums.map(|sum| sum / count)))
}

#[cfg(test)]
mod tests;
