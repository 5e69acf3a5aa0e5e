//! Requests: sources, a target, a kernel.

use super::contents::Contents;
use super::place::{Place, located};
use crate::random::Random;
use domain::{DType, GeoTransform, Point, Resampling, Size};
use imaging::{Crs, Target};

/// One source: where its pixels are.
#[derive(Clone, Debug)]
pub struct Layer {
    pub crs: String,
    pub transform: [f64; 6],
    pub size: (usize, usize),
    /// Number of overviews, each half of the one before.
    pub overviews: u32,
    /// Shifts the pattern of its samples.
    pub phase: usize,
}

/// What is asked, of whom.
#[derive(Clone, Debug)]
pub struct Request {
    pub layers: Vec<Layer>,
    pub system: String,
    pub target: Target,
    pub kernel: Resampling,
    pub dtype: DType,
    pub no_data: f64,
    /// Largest relative error of floating samples.
    pub float_error: f64,
    /// What a file holds.
    pub contents: Contents,
}

/// How unusual the requests are.
#[derive(Clone, Copy, Default)]
pub struct Traits {
    /// Most layers of a mosaic.
    pub layers: u32,
    /// Most overviews of a source.
    pub overviews: u32,
    /// Share of rotated sources, and of rotated targets.
    pub rotated: f64,
    /// Target pixels per source pixel, at least and at most.
    pub zoom: (f64, f64),
    /// Resolution in metres, at least and at most.
    pub metres: (f64, f64),
    /// Longest side of a source in pixels.
    pub side: u32,
    /// Shortest and longest side of a target in pixels.
    pub target: (u32, u32),
    /// Least share of requests that find data.
    pub seen: f64,
    /// Largest relative error of floating samples.
    pub float_error: f64,
    /// What a file holds.
    pub contents: Contents,
}

impl Request {
    pub fn random(random: &mut Random, place: Place, traits: Traits) -> Option<Self> {
        let centre = place.centre(random);
        let metres = random.magnitude(traits.metres.0, traits.metres.1);
        let count = random.count(1, traits.layers.max(1));
        let mut layers = Vec::new();
        for phase in 0..count as usize {
            let crs = place.system(random);
            layers.push(layer(random, crs, centre, metres, traits, phase)?);
        }
        let system = place.system(random);
        let zoom = random.magnitude(traits.zoom.0, traits.zoom.1);
        let (least, most) = traits.target;
        let size = (random.count(least, most), random.count(least, most));
        let rotated = random.chance(traits.rotated);
        let crs = Crs::parse(&system).ok()?;
        let transform = grid(
            random,
            &crs,
            centre,
            metres / zoom,
            (size.0 as usize, size.1 as usize),
            rotated,
        )?;
        let target = Target {
            crs,
            transform: GeoTransform::try_new(transform).ok()?,
            size: Size {
                width: size.0,
                height: size.1,
            },
        };
        let contents = traits.contents;
        let dtype = random.pick(contents.dtypes());
        let no_data = match (random.count(0, 3), dtype.is_float()) {
            // opacity takes the place of a marker in files only
            _ if contents.tells_opacity() => 0.0,
            (0, _) => f64::NAN,
            (1, true) => -1.0,
            _ => 0.0,
        };
        Some(Self {
            layers,
            system,
            target,
            kernel: random.pick(contents.kernels()),
            dtype,
            no_data,
            float_error: traits.float_error,
            contents,
        })
    }

    /// Whether there is a sample that stands for no data.
    pub fn has_holes(&self) -> bool {
        !(self.dtype.is_integer() && self.no_data.is_nan())
    }

    /// Whether a layer is without data at a pixel.
    pub fn is_hole(&self, phase: usize, x: usize, y: usize) -> bool {
        let hole = (x / 7 + y / 5 + phase).is_multiple_of(6);
        hole && self.has_holes()
    }

    /// The sample of a band of a layer; holes where the pattern has some and the request knows holes.
    pub fn sample(&self, phase: usize, band: usize, x: usize, y: usize) -> f64 {
        if self.is_hole(phase, x, y) && !self.contents.tells_opacity() {
            return self.no_data;
        }
        let value = crate::scene::pattern(phase, x + 3 * phase + 5 * band, y);
        match self.dtype {
            DType::Int8 => (value / 2.0).round(),
            DType::UInt16 | DType::Int16 => value * 100.0,
            DType::UInt32 | DType::Int32 => value * 1000.0,
            _ => value,
        }
    }
}

fn layer(
    random: &mut Random,
    text: String,
    centre: Point,
    metres: f64,
    traits: Traits,
    phase: usize,
) -> Option<Layer> {
    let size = (
        random.count(20, traits.side) as usize,
        random.count(20, traits.side) as usize,
    );
    let rotated = random.chance(traits.rotated);
    let crs = Crs::parse(&text).ok()?;
    let transform = grid(random, &crs, centre, metres, size, rotated)?;
    if crs.is_geographic() && !is_on_globe(transform, size) {
        return None;
    }
    Some(Layer {
        crs: text,
        transform,
        size,
        overviews: random.count(0, traits.overviews),
        phase,
    })
}

/// Whether a grid of degrees stays between the poles and within one revolution.
fn is_on_globe(transform: [f64; 6], size: (usize, usize)) -> bool {
    let size = Size {
        width: size.0 as u32,
        height: size.1 as u32,
    };
    let extent = GeoTransform(transform).extent(size);
    extent.min.y >= -90.0 && extent.max.y <= 90.0 && extent.max.x - extent.min.x <= 360.0
}

/// A grid around a place: sometimes with anisotropic pixels, south-up or rotated.
fn grid(
    random: &mut Random,
    crs: &Crs,
    centre: Point,
    metres: f64,
    size: (usize, usize),
    rotated: bool,
) -> Option<[f64; 6]> {
    let middle = located(crs, centre)?;
    let unit = if crs.is_geographic() {
        metres / 111_000.0
    } else {
        metres
    };
    let stretch = if random.chance(0.25) {
        random.magnitude(0.4, 2.5)
    } else {
        1.0
    };
    let south_up = random.chance(0.15);
    let (x, y) = (unit * stretch, if south_up { unit } else { -unit });
    let angle = if rotated {
        random.between(-3.1, 3.1)
    } else {
        0.0
    };
    let (sine, cosine) = if rotated { angle.sin_cos() } else { (0.0, 1.0) };
    let (b, c, e, f) = (x * cosine, -y * sine, x * sine, y * cosine);
    let column = size.0 as f64 * random.between(0.2, 0.8);
    let row = size.1 as f64 * random.between(0.2, 0.8);
    let left = middle.x - b * column - c * row;
    let top = middle.y - e * column - f * row;
    let transform = [left, b, c, top, e, f];
    transform
        .iter()
        .all(|number| number.is_finite())
        .then_some(transform)
}
