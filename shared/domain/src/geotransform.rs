//! Pixel grids.

use crate::{Error, Point, Result, Ring};
use serde::{Deserialize, Serialize};

/// Width and height in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Builds a checked size.
    ///
    /// # Errors
    /// [`Error::Invalid`] when one side is not between 1 and 2147483647.
    pub fn try_new(width: i64, height: i64) -> Result<Self> {
        let side = |value: i64| {
            i32::try_from(value)
                .ok()
                .filter(|side| *side > 0)
                .map(|side| side as u32)
        };
        match (side(width), side(height)) {
            (Some(width), Some(height)) => Ok(Self { width, height }),
            _ => Err(Error::invalid(format!("Invalid shape: {width}x{height}"))),
        }
    }

    /// Number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// Affine transform from pixel (column, row) to coordinates, in the order of GDAL:
/// `x = a + b*column + c*row`, `y = d + e*column + f*row`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GeoTransform(pub [f64; 6]);

impl GeoTransform {
    /// Builds a checked transform.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a coefficient is not finite or the transform is not invertible.
    pub fn try_new(coefficients: [f64; 6]) -> Result<Self> {
        let transform = Self(coefficients);
        if !coefficients.iter().all(|value| value.is_finite()) || !transform.is_invertible() {
            return Err(Error::invalid(format!(
                "Invalid pixToCRS transform: not invertible ({coefficients:?}, expected six finite numbers with b*f != c*e)"
            )));
        }
        Ok(transform)
    }

    /// A north-up grid of square pixels with its top-left corner at (`left`, `top`).
    pub fn north_up(left: f64, top: f64, resolution: f64) -> Self {
        Self([left, resolution, 0.0, top, 0.0, -resolution])
    }

    /// Coordinates of a pixel position.
    pub fn apply(&self, column: f64, row: f64) -> Point {
        let [a, b, c, d, e, f] = self.0;
        Point::new(a + b * column + c * row, d + e * column + f * row)
    }

    /// The transform from coordinates to pixel positions.
    pub fn inverse(&self) -> Self {
        let [a, b, c, d, e, f] = self.0;
        let determinant = self.determinant();
        Self([
            (c * d - a * f) / determinant,
            f / determinant,
            -c / determinant,
            (a * e - b * d) / determinant,
            -e / determinant,
            b / determinant,
        ])
    }

    /// Whether rows and columns are not parallel to the axes.
    pub fn is_rotated(&self) -> bool {
        self.0[2] != 0.0 || self.0[4] != 0.0
    }

    /// The four corners of an image: (0,0), (w,0), (w,h), (0,h).
    pub fn corners(&self, size: Size) -> [Point; 4] {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        [
            self.apply(0.0, 0.0),
            self.apply(width, 0.0),
            self.apply(width, height),
            self.apply(0.0, height),
        ]
    }

    /// Bounding rectangle of an image, all four corners included.
    pub fn extent(&self, size: Size) -> Extent {
        let corners = self.corners(size);
        let fold = |pick: fn(&Point) -> f64, keep: fn(f64, f64) -> f64| {
            corners.iter().map(pick).reduce(keep).unwrap_or(f64::NAN)
        };
        Extent {
            min: Point::new(fold(|p| p.x, f64::min), fold(|p| p.y, f64::min)),
            max: Point::new(fold(|p| p.x, f64::max), fold(|p| p.y, f64::max)),
        }
    }

    /// Whether the inverse means something in double precision; of rotated grids the same rows and columns are
    /// refused as by GDAL.
    fn is_invertible(&self) -> bool {
        let determinant = self.determinant();
        if !determinant.is_finite() || determinant == 0.0 {
            return false;
        }
        let scale = [1, 2, 4, 5]
            .into_iter()
            .map(|term| self.0[term].abs())
            .fold(0.0, f64::max);
        !self.is_rotated() || determinant.abs() > 1e-10 * scale * scale
    }

    fn determinant(&self) -> f64 {
        let [_, b, c, _, e, f] = self.0;
        b * f - c * e
    }
}

/// Rectangle parallel to the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Smallest coordinates.
    pub min: Point,
    /// Largest coordinates.
    pub max: Point,
}

impl Extent {
    /// Closed outline, from (xmin,ymin) over (xmin,ymax).
    pub fn ring(&self) -> Ring {
        Ring::rectangle(self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::{GeoTransform, Point, Size};

    #[test]
    fn sizes_are_positive_and_fit_in_31_bits() {
        assert!(Size::try_new(1, 1).is_ok());
        for (width, height) in [(0, 1), (1, 0), (-1, 5), (1 << 31, 1), (i64::MAX, i64::MAX)] {
            let text = Size::try_new(width, height).unwrap_err().to_string();
            assert_eq!(text, format!("Invalid shape: {width}x{height}"));
        }
    }

    #[test]
    fn only_invertible_finite_transforms_are_accepted() {
        assert!(GeoTransform::try_new([0.0, 10.0, 0.0, 0.0, 0.0, -10.0]).is_ok());
        for wrong in [
            [0.0; 6],
            [0.0, 1.0, 1.0, 0.0, 1.0, 1.0],
            [f64::NAN, 1.0, 0.0, 0.0, 0.0, 1.0],
            [0.0, f64::INFINITY, 0.0, 0.0, 0.0, 1.0],
            [0.0, 1e-300, 0.0, 0.0, 0.0, 1e-300],
            [0.0, 10.0, 0.0, 0.0, 1e20, -10.0],
        ] {
            assert!(GeoTransform::try_new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_inverse_leads_back_to_the_pixel() {
        let transform = GeoTransform::try_new([500000.0, 8.0, 2.0, 4000000.0, 1.5, -9.0]).unwrap();
        let point = transform.apply(12.5, 7.25);
        let pixel = transform.inverse().apply(point.x, point.y);
        assert!((pixel.x - 12.5).abs() < 1e-6 && (pixel.y - 7.25).abs() < 1e-6);
    }

    #[test]
    fn the_outline_starts_at_the_south_west_and_goes_north() {
        let transform = GeoTransform([453120.0, 10.0, 0.0, 5338560.0, 0.0, -10.0]);
        let ring = transform
            .extent(Size {
                width: 4640,
                height: 416,
            })
            .ring();
        let expected = [
            (453120.0, 5334400.0),
            (453120.0, 5338560.0),
            (499520.0, 5338560.0),
            (499520.0, 5334400.0),
        ];
        for (point, (x, y)) in ring.0.iter().zip(expected) {
            assert_eq!(*point, Point::new(x, y));
        }
        assert_eq!(ring.0[0], ring.0[4]);
    }
}
