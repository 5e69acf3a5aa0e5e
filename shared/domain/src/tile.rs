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
#[inline]
pub fn scale_to_byte(value: f64, lo: f64, hi: f64) -> u8 {
    let scaled = (254.0 * ((value - lo) / (hi - lo))).clamp(0.0, 254.0);
    // cut and compared, as rounding is a call of the library on many processors
    let whole = scaled as u8;
    whole + u8::from(scaled - f64::from(whole) >= 0.5)
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

#[cfg(test)]
mod tests {
    use super::{HALF_WORLD, TileAddress, scale_to_byte};

    #[test]
    fn tiles_have_their_place_in_the_world() {
        let world = 20037508.342789244;
        for ((x, y, z), resolution, left, top) in [
            ((0, 0, 0), 156543.03392804097, -world, world),
            ((1, 0, 1), 78271.51696402048, 0., world),
            ((0, 1, 1), 78271.51696402048, -world, 0.),
            (
                (33, 22, 6),
                2445.98490512564,
                626172.1357121654,
                6261721.357121639,
            ),
            (
                (515, 374, 10),
                152.8740565703525,
                117407.27544603124,
                5400734.670517413,
            ),
            (
                (1023, 1023, 10),
                152.8740565703525,
                19998372.584307235,
                -19998372.584307235,
            ),
        ] {
            let found = TileAddress::try_new(x, y, z).unwrap().transform().0;
            for (found, expected) in found
                .iter()
                .zip([left, resolution, 0., top, 0., -resolution])
            {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{x} {y} {z}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn neighbours_share_their_corners_bit_for_bit() {
        for z in [0, 1, 10, 17, 30] {
            let last = ((1_i64 << z) - 1) as i32;
            for (x, y) in [
                (0, 0),
                (last / 2, last / 3),
                (last - 1, last - 1),
                (last, last),
            ] {
                let Ok(tile) = TileAddress::try_new(x, y, z) else {
                    continue;
                };
                let corner = tile.transform().apply(256.0, 256.0);
                let Ok(next) = TileAddress::try_new(x + 1, y + 1, z) else {
                    assert!((corner.x - HALF_WORLD).abs() < 1e-8, "{corner:?}");
                    continue;
                };
                let [left, _, _, top, ..] = next.transform().0;
                assert!((corner.x - left).abs() < 1e-8 && (corner.y - top).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn a_translated_transform_equals_the_one_of_the_world() {
        // the same pixel, counted in the raster of the whole zoom level; the products are exact
        let (x0, y0) = (-HALF_WORLD, HALF_WORLD);
        for tile in [0, 1, 17, 64, 511, 512, 1023] {
            let [left, resolution, _, top, ..] =
                TileAddress::try_new(tile, tile, 10).unwrap().transform().0;
            let pixels = 256.0 * f64::from(tile);
            assert_eq!(left, resolution.mul_add(pixels, x0));
            assert_eq!(top, (-resolution).mul_add(pixels, y0));
            for neighbour in [1, 64] {
                let Ok(other) = TileAddress::try_new(tile + neighbour, tile + neighbour, 10) else {
                    continue;
                };
                let offset = 256.0 * f64::from(neighbour);
                assert!((other.transform().0[0] - (left + resolution * offset)).abs() < 1e-8);
                assert!((other.transform().0[3] - (top - resolution * offset)).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn addresses_out_of_the_world_name_the_field_and_its_bounds() {
        for ((x, y, z), text) in [
            (
                (0, 0, -1),
                "Invalid z: -1, expected a value between 0 and 30",
            ),
            (
                (0, 0, 31),
                "Invalid z: 31, expected a value between 0 and 30",
            ),
            (
                (0, 0, 64),
                "Invalid z: 64, expected a value between 0 and 30",
            ),
            (
                (0, 0, i32::MIN),
                "Invalid z: -2147483648, expected a value between 0 and 30",
            ),
            ((1, 0, 0), "Invalid x: 1, expected a value between 0 and 0"),
            (
                (-1, 0, 5),
                "Invalid x: -1, expected a value between 0 and 31",
            ),
            ((3, 4, 2), "Invalid y: 4, expected a value between 0 and 3"),
            (
                (0, i32::MAX, 30),
                "Invalid y: 2147483647, expected a value between 0 and 1073741823",
            ),
        ] {
            let error = TileAddress::try_new(x, y, z).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
        let last = (1 << 30) - 1;
        assert!(TileAddress::try_new(last, last, 30).is_ok());
    }

    #[test]
    fn valid_pixels_never_become_transparent() {
        for (value, lo, hi, byte) in [
            (-1., -1., 1., 0),
            (0., -1., 1., 127),
            (1., -1., 1., 254),
            (1.002, -1., 1., 254),
            (1.005, -1., 1., 254),
            (-5., -1., 1., 0),
            (128., 0., 255., 127),
            (f64::INFINITY, 0., 1., 254),
            (f64::NEG_INFINITY, 0., 1., 0),
            (f64::NAN, 0., 1., 0),
            (5., 3., 3., 254),
        ] {
            assert_eq!(scale_to_byte(value, lo, hi), byte, "{value} {lo} {hi}");
        }
    }
}
