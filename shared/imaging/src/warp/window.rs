//! Which pixels of a source a part of a target needs.

use super::Part;
use crate::ffi::{Transformer, Window};
use domain::{Point, Resampling, Size};

/// Steps of the grid of sampled positions, and of the finer one where some positions have no image.
const STEPS: [u32; 2] = [32, 128];

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
    let mut bounds = Bounds::of(transformer, part, STEPS[0])?;
    if bounds.holes {
        bounds = Bounds::of(transformer, part, STEPS[1])?;
    }
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
    /// Whether some position has no image.
    holes: bool,
    steps: u32,
}

impl Bounds {
    fn of(transformer: &Transformer, part: Part, steps: u32) -> Option<Self> {
        let mut positions = Vec::with_capacity(((steps + 1) * (steps + 1)) as usize);
        let share = |start: u32, length: u32, step: u32| {
            f64::from(start) + f64::from(length) * f64::from(step) / f64::from(steps)
        };
        for row in 0..=steps {
            for column in 0..=steps {
                positions.push(Point::new(
                    share(part.column, part.size.width, column),
                    share(part.row, part.size.height, row),
                ));
            }
        }
        let images = transformer.to_source(&positions);
        let mut found = images.iter().flatten();
        let first = *found.next()?;
        let (mut min, mut max) = (first, first);
        for point in found {
            min = Point::new(min.x.min(point.x), min.y.min(point.y));
            max = Point::new(max.x.max(point.x), max.y.max(point.y));
        }
        Some(Self {
            min,
            max,
            holes: images.iter().any(Option::is_none),
            steps,
        })
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
