//! Which pixels of a source a part of a target needs.

use super::part::Part;
use crate::ffi::{Transformer, Window};
use domain::{Point, Resampling, Size};

/// Steps of the grid of sampled positions, and of the finer one where some positions have no image.
const STEPS: [u32; 2] = [32, 128];

/// Steps between the positions inside of a part whose edges are looked at.
const INSIDE: u32 = 8;

/// What a part of the target needs of a source.
#[derive(Debug)]
pub(super) struct Need {
    /// Pixels to read, with what the kernel needs around them.
    pub(super) window: Window,
    /// Target pixels per source pixel along both axes, as GDAL's warper reckons for a whole source.
    pub(super) scale: (f64, f64),
    /// Share of the pixels asked for that the source has.
    pub(super) fill: f64,
}

/// What a part of the target needs; `None` when the source does not reach there.
pub(super) fn of_part(
    transformer: &Transformer,
    source: Size,
    part: Part,
    kernel: Resampling,
) -> Option<Need> {
    let bounds = match Bounds::of_edges(transformer, part) {
        Some(bounds) => bounds,
        None => Bounds::of_lattice(transformer, part)?,
    };
    let (min, max, steps) = (bounds.min, bounds.max, bounds.steps);
    let x = Axis::new(min.x, max.x, part.size.width, steps, source.width, kernel)?;
    let y = Axis::new(min.y, max.y, part.size.height, steps, source.height, kernel)?;
    Some(Need {
        window: Window {
            x: x.start,
            y: y.start,
            width: x.length,
            height: y.length,
        },
        scale: (x.scale, y.scale),
        fill: x.fill * y.fill,
    })
}

struct Bounds {
    min: Point,
    max: Point,
    /// Steps along each side between the positions that were looked at.
    steps: u32,
}

impl Bounds {
    /// From the edges alone, an eighth of the positions of a lattice; `None` where the image is not one piece without
    /// folds, as it is around a pole or over the edge of a reference system.
    fn of_edges(transformer: &Transformer, part: Part) -> Option<Self> {
        /// Largest distance of neighbours along the edges, as a share of the whole.
        const JUMP: f64 = 0.25;
        let steps = STEPS[0];
        let side = || (0..steps).map(|step| (step, steps - step));
        let edges = side().map(|(there, _)| (there, 0));
        let edges = edges.chain(side().map(|(there, _)| (steps, there)));
        let edges = edges.chain(side().map(|(_, back)| (back, steps)));
        let edges = edges.chain(side().map(|(_, back)| (0, back)));
        let inside = (1..INSIDE).flat_map(|row| (1..INSIDE).map(move |column| (column, row)));
        let inside = inside.map(|(column, row)| (column * steps / INSIDE, row * steps / INSIDE));
        let positions: Vec<Point> = edges
            .chain(inside)
            .map(|place| part.position(place, steps))
            .collect();
        let images: Option<Vec<Point>> = transformer.to_source(&positions).into_iter().collect();
        let images = images?;
        let (edges, inside) = images.split_at(4 * steps as usize);
        let bounds = Self::around(edges, steps)?;
        let (width, height) = (bounds.max.x - bounds.min.x, bounds.max.y - bounds.min.y);
        let near = |(a, b): (&Point, &Point)| {
            (a.x - b.x).abs() <= JUMP * width.max(1.0)
                && (a.y - b.y).abs() <= JUMP * height.max(1.0)
        };
        let neighbours = edges.iter().zip(edges.iter().cycle().skip(1));
        let whole =
            neighbours.into_iter().all(near) && inside.iter().all(|point| bounds.has(*point));
        whole.then_some(bounds)
    }

    /// From positions all over the part.
    fn of_lattice(transformer: &Transformer, part: Part) -> Option<Self> {
        let look = |steps: u32| {
            let rows = (0..=steps).flat_map(|row| (0..=steps).map(move |column| (column, row)));
            let positions: Vec<Point> = rows.map(|place| part.position(place, steps)).collect();
            transformer.to_source(&positions)
        };
        let mut steps = STEPS[0];
        let mut images = look(steps);
        if images.iter().any(Option::is_none) {
            steps = STEPS[1];
            images = look(steps);
        }
        let found: Vec<Point> = images.into_iter().flatten().collect();
        Self::around(&found, steps)
    }

    fn around(points: &[Point], steps: u32) -> Option<Self> {
        let first = *points.first()?;
        let (mut min, mut max) = (first, first);
        for point in points {
            min = Point::new(min.x.min(point.x), min.y.min(point.y));
            max = Point::new(max.x.max(point.x), max.y.max(point.y));
        }
        Some(Self { min, max, steps })
    }

    fn has(&self, point: Point) -> bool {
        (self.min.x..=self.max.x).contains(&point.x) && (self.min.y..=self.max.y).contains(&point.y)
    }
}

/// One axis of a [`Need`].
struct Axis {
    start: usize,
    length: usize,
    scale: f64,
    fill: f64,
}

impl Axis {
    /// `min` and `max` are positions in the source, `target` and `source` lengths in pixels.
    fn new(
        min: f64,
        max: f64,
        target: u32,
        steps: u32,
        source: u32,
        kernel: Resampling,
    ) -> Option<Self> {
        let (target, source) = (f64::from(target), f64::from(source));
        let span = max - min;
        let ratio = (span / target).max(1.0);
        let reach = (radius(kernel) * ratio).ceil();
        // Between two sampled positions the image may bulge by less than one step.
        let margin = reach + ratio.ceil() + span / f64::from(steps) + 2.0;
        let start = (min - margin).floor().clamp(0.0, source);
        let end = (max + margin).ceil().clamp(0.0, source);
        if start >= end {
            return None;
        }
        let first = min.max(0.0).floor();
        let used =
            (max.ceil().min(source) + reach).min(source) - (first - reach).clamp(0.0, source);
        Some(Self {
            start: start as usize,
            length: (end - start) as usize,
            scale: scale(target, used, span.min(source - first).max(0.0)),
            fill: (used.max(0.0) / (span + 2.0 * reach).max(1.0)).min(1.0),
        })
    }
}

/// The scale of GDAL's warper: `used` source pixels with, `raw` without what the kernel needs around them.
fn scale(target: f64, used: f64, raw: f64) -> f64 {
    /// Inverse scales this near to a whole number are taken as it.
    const NEAR: f64 = 0.05;
    if used >= target && raw <= target || raw <= 0.0 {
        return 1.0;
    }
    let inverse = raw / target;
    let whole = inverse.round();
    if inverse > 1.0 && (inverse - whole).abs() < NEAR {
        return 1.0 / whole;
    }
    1.0 / inverse
}

/// Radius of a kernel in pixels of the coarser grid.
fn radius(kernel: Resampling) -> f64 {
    match kernel {
        Resampling::Bilinear => 1.0,
        Resampling::Cubic | Resampling::CubicSpline => 2.0,
        Resampling::Lanczos => 3.0,
        Resampling::Near
        | Resampling::Average
        | Resampling::Mode
        | Resampling::Max
        | Resampling::Min
        | Resampling::Med
        | Resampling::Q1
        | Resampling::Q3 => 0.0,
    }
}
