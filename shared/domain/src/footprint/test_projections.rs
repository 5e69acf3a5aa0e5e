//! Projections for tests, by formulas.

use super::Project;
use crate::{Point, Result};

const SEMI_MAJOR_AXIS: f64 = 6_378_137.0;

/// Longitude and latitude themselves, not wrapped.
pub struct LonLat;

impl Project for LonLat {
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        Ok(points.to_vec())
    }

    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        Ok(points.to_vec())
    }
}

/// EPSG:3857.
pub struct WebMercator;

impl Project for WebMercator {
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let latitude = (p.y / SEMI_MAJOR_AXIS).sinh().atan().to_degrees();
            Point::new(wrapped((p.x / SEMI_MAJOR_AXIS).to_degrees()), latitude)
        };
        Ok(points.iter().map(image).collect())
    }

    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let northing = p.y.to_radians().tan().asinh();
            Point::new(
                SEMI_MAJOR_AXIS * p.x.to_radians(),
                SEMI_MAJOR_AXIS * northing,
            )
        };
        Ok(points.iter().map(image).collect())
    }
}

/// Stereographic projection of the sphere from the south pole: the north pole is at (0, 0) and the
/// meridian 0 goes down.
pub struct NorthPole;

impl Project for NorthPole {
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let colatitude = 2.0 * (p.x.hypot(p.y) / (2.0 * SEMI_MAJOR_AXIS)).atan();
            Point::new(p.x.atan2(-p.y).to_degrees(), 90.0 - colatitude.to_degrees())
        };
        Ok(points.iter().map(image).collect())
    }

    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let radius = 2.0 * SEMI_MAJOR_AXIS * ((90.0 - p.y).to_radians() / 2.0).tan();
            let longitude = p.x.to_radians();
            Point::new(radius * longitude.sin(), -radius * longitude.cos())
        };
        Ok(points.iter().map(image).collect())
    }
}

/// Every point becomes this one.
pub struct Constant(pub Point);

impl Project for Constant {
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        Ok(vec![self.0; points.len()])
    }

    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        Ok(vec![self.0; points.len()])
    }
}

/// Universal transverse Mercator on WGS 84, by the series of Krüger to the sixth order (Karney,
/// Transverse Mercator with an accuracy of a few nanometers, 2011).
pub struct Utm {
    central_meridian: f64,
    false_northing: f64,
}

const SCALE: f64 = 0.9996;
const FALSE_EASTING: f64 = 500_000.0;
const FLATTENING: f64 = 1.0 / 298.257223563;
const N: f64 = FLATTENING / (2.0 - FLATTENING);

impl Utm {
    pub fn north(zone: i32) -> Self {
        Self {
            central_meridian: f64::from(zone * 6 - 183),
            false_northing: 0.0,
        }
    }

    pub fn south(zone: i32) -> Self {
        Self {
            false_northing: 10_000_000.0,
            ..Self::north(zone)
        }
    }
}

impl Project for Utm {
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let xi = (p.y - self.false_northing) / (SCALE * rectifying_radius());
            let eta = (p.x - FALSE_EASTING) / (SCALE * rectifying_radius());
            let (d_xi, d_eta) = series(&beta(), xi, eta);
            let (xi, eta) = (xi - d_xi, eta - d_eta);
            let conformal = xi.sin() / eta.sinh().hypot(xi.cos());
            let longitude = eta.sinh().atan2(xi.cos()).to_degrees();
            Point::new(
                wrapped(self.central_meridian + longitude),
                geodetic_tangent(conformal).atan().to_degrees(),
            )
        };
        Ok(points.iter().map(image).collect())
    }

    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>> {
        let image = |p: &Point| {
            let longitude = (p.x - self.central_meridian).to_radians();
            let conformal = conformal_tangent(p.y.to_radians().tan());
            let xi = conformal.atan2(longitude.cos());
            let eta = (longitude.sin() / conformal.hypot(longitude.cos())).asinh();
            let (d_xi, d_eta) = series(&alpha(), xi, eta);
            Point::new(
                FALSE_EASTING + SCALE * rectifying_radius() * (eta + d_eta),
                self.false_northing + SCALE * rectifying_radius() * (xi + d_xi),
            )
        };
        Ok(points.iter().map(image).collect())
    }
}

fn wrapped(degrees: f64) -> f64 {
    if degrees.abs() <= 180.0 {
        degrees
    } else {
        (degrees + 180.0).rem_euclid(360.0) - 180.0
    }
}

fn rectifying_radius() -> f64 {
    SEMI_MAJOR_AXIS / (1.0 + N) * (1.0 + N.powi(2) / 4.0 + N.powi(4) / 64.0 + N.powi(6) / 256.0)
}

fn conformal_tangent(tangent: f64) -> f64 {
    let eccentricity = (FLATTENING * (2.0 - FLATTENING)).sqrt();
    let secant = 1.0_f64.hypot(tangent);
    let sigma = (eccentricity * (eccentricity * tangent / secant).atanh()).sinh();
    tangent * 1.0_f64.hypot(sigma) - sigma * secant
}

fn geodetic_tangent(conformal: f64) -> f64 {
    let squared = FLATTENING * (2.0 - FLATTENING);
    let mut tangent = conformal;
    for _ in 0..8 {
        let found = conformal_tangent(tangent);
        tangent += (conformal - found) / 1.0_f64.hypot(found)
            * (1.0 + (1.0 - squared) * tangent * tangent)
            / ((1.0 - squared) * 1.0_f64.hypot(tangent));
    }
    tangent
}

fn series(coefficients: &[f64; 6], xi: f64, eta: f64) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for (order, coefficient) in (1..).zip(coefficients) {
        let factor = 2.0 * f64::from(order);
        sums.0 += coefficient * (factor * xi).sin() * (factor * eta).cosh();
        sums.1 += coefficient * (factor * xi).cos() * (factor * eta).sinh();
    }
    sums
}

/// Coefficients of N, N^2 ... N^6.
fn polynomial(coefficients: [f64; 6]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * N)
}

fn alpha() -> [f64; 6] {
    [
        [
            1. / 2.,
            -2. / 3.,
            5. / 16.,
            41. / 180.,
            -127. / 288.,
            7891. / 37800.,
        ],
        [
            0.,
            13. / 48.,
            -3. / 5.,
            557. / 1440.,
            281. / 630.,
            -1983433. / 1935360.,
        ],
        [
            0.,
            0.,
            61. / 240.,
            -103. / 140.,
            15061. / 26880.,
            167603. / 181440.,
        ],
        [
            0.,
            0.,
            0.,
            49561. / 161280.,
            -179. / 168.,
            6601661. / 7257600.,
        ],
        [0., 0., 0., 0., 34729. / 80640., -3418889. / 1995840.],
        [0., 0., 0., 0., 0., 212378941. / 319334400.],
    ]
    .map(polynomial)
}

fn beta() -> [f64; 6] {
    [
        [
            1. / 2.,
            -2. / 3.,
            37. / 96.,
            -1. / 360.,
            -81. / 512.,
            96199. / 604800.,
        ],
        [
            0.,
            1. / 48.,
            1. / 15.,
            -437. / 1440.,
            46. / 105.,
            -1118711. / 3870720.,
        ],
        [
            0.,
            0.,
            17. / 480.,
            -37. / 840.,
            -209. / 4480.,
            5569. / 90720.,
        ],
        [
            0.,
            0.,
            0.,
            4397. / 161280.,
            -11. / 504.,
            -830251. / 7257600.,
        ],
        [0., 0., 0., 0., 4583. / 161280., -108847. / 3991680.],
        [0., 0., 0., 0., 0., 20648693. / 638668800.],
    ]
    .map(polynomial)
}
