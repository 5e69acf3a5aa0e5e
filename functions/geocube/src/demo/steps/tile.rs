//! A web tile, as a browser gets it.

use std::io::Cursor;
use std::time::Instant;

use anyhow::Context;
use domain::Point;
use domain::footprint::Project;

use super::{Group, Job, seconds};
use crate::demo::sheet::Stretch;
use crate::screen;

/// Zoom levels that are tried when the first tile shows nothing.
const ATTEMPTS: u32 = 4;

/// Address of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Address {
    x: u32,
    y: u32,
    z: u32,
}

impl Job<'_> {
    /// Gets the tile in the middle of the view, of one day.
    ///
    /// # Errors
    /// When no tile can be had there.
    pub async fn tile(&mut self, day: &Group, stretch: &Stretch) -> anyhow::Result<Vec<u8>> {
        let corners = self.grid.transform.corners(self.grid.size);
        let corners = self.grid.crs.to_lonlat(&corners)?;
        let mut address = Address::showing(&corners);
        let (min, max) = stretch.range();
        let mut query: Vec<(&str, String)> = day
            .records
            .iter()
            .map(|record| ("records.ids", record.clone()))
            .collect();
        query.push(("min", (min as f32).to_string()));
        query.push(("max", (max as f32).to_string()));
        let mut attempt = 1;
        loop {
            let started = Instant::now();
            let Address { x, y, z } = address;
            let path = format!("/v1/catalog/mosaic/{}/{x}/{y}/{z}/png", self.instance);
            match self.client.get(&path, &query).await {
                Ok(png) => {
                    let (opaque, pixels) = opaque_pixels(&png)?;
                    screen::result(&format!(
                        "  tile {z}/{x}/{y} of {}: {}, {}% of its pixels drawn ({})",
                        day.day,
                        screen::bytes(png.len() as u64),
                        100 * opaque / pixels.max(1),
                        seconds(started.elapsed()),
                    ));
                    return Ok(png);
                }
                Err(error) if attempt == ATTEMPTS || z == 0 => return Err(error),
                // a hole in the middle of the view; the next tile shows more
                Err(_) => address = address.parent(),
            }
            attempt += 1;
        }
    }
}

impl Address {
    /// The tile around the middle of some points that is at most as wide as they are.
    fn showing(points: &[Point]) -> Self {
        let range = |coordinate: fn(&Point) -> f64| {
            let low = points.iter().map(coordinate).fold(f64::INFINITY, f64::min);
            let high = points
                .iter()
                .map(coordinate)
                .fold(f64::NEG_INFINITY, f64::max);
            (low, high)
        };
        let (west, east) = range(|point| point.x);
        let (south, north) = range(|point| point.y);
        let width = (east - west).max(1e-4);
        let z = (360.0 / width).log2().ceil().clamp(0.0, 22.0);
        let tiles = z.exp2();
        let longitude = f64::midpoint(west, east);
        let latitude = f64::midpoint(south, north).clamp(-85.0, 85.0).to_radians();
        let x = (longitude + 180.0) / 360.0 * tiles;
        let y = (1.0 - latitude.tan().asinh() / std::f64::consts::PI) / 2.0 * tiles;
        let last = tiles - 1.0;
        Self {
            x: x.floor().clamp(0.0, last) as u32,
            y: y.floor().clamp(0.0, last) as u32,
            z: z as u32,
        }
    }

    fn parent(self) -> Self {
        let Self { x, y, z } = self;
        Self {
            x: x / 2,
            y: y / 2,
            z: z.saturating_sub(1),
        }
    }
}

/// How many pixels of a picture can be seen, of how many.
fn opaque_pixels(bytes: &[u8]) -> anyhow::Result<(usize, usize)> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(
        png::Transformations::normalize_to_color8() | png::Transformations::ALPHA,
    );
    let mut reader = decoder.read_info().context("the tile is no PNG")?;
    let size = reader
        .output_buffer_size()
        .context("the tile is too large")?;
    let mut samples = vec![0; size];
    let info = reader
        .next_frame(&mut samples)
        .context("the tile is damaged")?;
    let channels = info.color_type.samples();
    let pixels = samples[..info.buffer_size()].chunks_exact(channels);
    let count = pixels.len();
    Ok((
        pixels.filter(|pixel| pixel[channels - 1] > 0).count(),
        count,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tile_is_around_the_middle() {
        let view = |west: f64, south: f64, east: f64, north: f64| {
            Address::showing(&[Point::new(west, south), Point::new(east, north)])
        };
        assert_eq!(
            view(-180.0, -85.0, 180.0, 85.0),
            Address { x: 0, y: 0, z: 0 }
        );
        let paris = view(2.2, 48.8, 2.5, 48.9);
        assert_eq!(
            paris,
            Address {
                x: 1037,
                y: 704,
                z: 11
            }
        );
        assert_eq!(
            paris.parent(),
            Address {
                x: 518,
                y: 352,
                z: 10
            }
        );
        assert_eq!(view(5.0, 1.0, 5.0, 1.0).z, 22);
        assert_eq!(Address { x: 0, y: 0, z: 0 }.parent().z, 0);
    }

    #[test]
    fn transparent_pixels_are_not_counted() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 3, 1);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_trns(vec![0, 255]);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0, 255, 7]).unwrap();
        writer.finish().unwrap();
        assert_eq!(opaque_pixels(&bytes).unwrap(), (2, 3));
        assert!(opaque_pixels(b"no").is_err());
    }
}
