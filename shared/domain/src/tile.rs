//! Web-mercator tiles.

use crate::{Error, GeoTransform, Result, Size};
use std::f64::consts::PI;

/// Width and height of a tile, in pixels.
pub const SIZE: Size = Size {
    width: 256,
    height: 256,
};

/// EPSG code of the reference system of tiles.
pub const SRID: i32 = 3857;

/// Byte of pixels without data; valid pixels end at 254.
pub const NO_DATA: u8 = 255;

/// Deepest zoom level.
const MAX_ZOOM: i32 = 30;

/// Half the width of the world: pi times the semi-major axis, in metres.
const HALF_WORLD: f64 = PI * 6_378_137.0;

/// Address of a tile.
///
/// Invariants: 0 ≤ z ≤ 30, 0 ≤ x, y < 2^z; y grows to the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileAddress {
    x: u32,
    y: u32,
    z: u32,
}

impl TileAddress {
    /// Builds a checked address.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field and its bounds.
    pub fn try_new(x: i32, y: i32, z: i32) -> Result<Self> {
        let z = bounded("z", z, MAX_ZOOM)?;
        let last = (1 << z) - 1;
        Ok(Self {
            x: bounded("x", x, last)?,
            y: bounded("y", y, last)?,
            z,
        })
    }

    /// Column, from the west.
    pub fn x(self) -> u32 {
        self.x
    }

    /// Row, from the north.
    pub fn y(self) -> u32 {
        self.y
    }

    /// Zoom level.
    pub fn z(self) -> u32 {
        self.z
    }

    /// From the pixels of the tile to EPSG:3857.
    pub fn transform(self) -> GeoTransform {
        let world_pixels = f64::from(SIZE.width) * f64::from(1_u32 << self.z);
        let resolution = 2.0 * HALF_WORLD / world_pixels;
        let pixels = |tile: u32| f64::from(SIZE.width) * f64::from(tile);
        // rounded once, so that neighbours share their corners exactly
        GeoTransform::north_up(
            resolution.mul_add(pixels(self.x), -HALF_WORLD),
            (-resolution).mul_add(pixels(self.y), HALF_WORLD),
            resolution,
        )
    }
}

/// Scales a valid value from [`lo`, `hi`] to 0..=254, rounded half away from zero and clamped.
///
/// [`NO_DATA`] is never the result, not even for NaN, which gives 0.
pub fn scale_to_byte(value: f64, lo: f64, hi: f64) -> u8 {
    let scaled = (254.0 * ((value - lo) / (hi - lo))).round();
    scaled.clamp(0.0, 254.0) as u8
}

fn bounded(field: &str, value: i32, last: i32) -> Result<u32> {
    u32::try_from(value)
        .ok()
        .filter(|_| value <= last)
        .ok_or_else(|| {
            Error::invalid(format!(
                "Invalid {field}: {value}, expected a value between 0 and {last}"
            ))
        })
}
