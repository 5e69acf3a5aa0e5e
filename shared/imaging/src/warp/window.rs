//! Which pixels of a source a part of a target needs.

use super::Part;
use crate::ffi::{Transformer, Window};
use domain::{Point, Resampling, Size};

/// Steps of the grid of sampled positions, and of the finer one where some positions have no image.
const STEPS: [u32; 2] = [32, 128];

/// The window of source pixels under a part of the target, with what the kernel needs around it; `None` when the
/// source does not reach there.
pub(super) fn of_part(
    transformer: &Transformer,
    source: Size,
    part: Part,
    kernel: Resampling,
) -> Option<Window> {
    let mut bounds = Bounds::of(transformer, part, STEPS[0])?;
    if bounds.holes {
        bounds = Bounds::of(transformer, part, STEPS[1])?;
    }
    let (x, width) = axis(
        bounds.min.x,
        bounds.max.x,
        part.size.width,
        bounds.steps,
        source.width,
        kernel,
    )?;
    let (y, height) = axis(
        bounds.min.y,
        bounds.max.y,
        part.size.height,
        bounds.steps,
        source.height,
        kernel,
    )?;
    Some(Window {
        x,
        y,
        width,
        height,
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

/// First pixel and number of pixels along one axis.
fn axis(
    min: f64,
    max: f64,
    target: u32,
    steps: u32,
    source: u32,
    kernel: Resampling,
) -> Option<(usize, usize)> {
    let span = max - min;
    let ratio = (span / f64::from(target)).max(1.0);
    // Between two sampled positions the image may bulge by less than one step.
    let margin = (radius(kernel) * ratio).ceil() + ratio.ceil() + span / f64::from(steps) + 2.0;
    let start = (min - margin).floor().clamp(0.0, f64::from(source));
    let end = (max + margin).ceil().clamp(0.0, f64::from(source));
    (start < end).then_some((start as usize, (end - start) as usize))
}

/// Radius of a kernel in pixels of the coarser grid.
fn radius(kernel: Resampling) -> f64 {
    match kernel {
        Resampling::Near => 0.0,
        Resampling::Bilinear => 1.0,
        Resampling::Cubic | Resampling::CubicSpline => 2.0,
        Resampling::Lanczos => 3.0,
        Resampling::Average
        | Resampling::Mode
        | Resampling::Max
        | Resampling::Min
        | Resampling::Med
        | Resampling::Q1
        | Resampling::Q3 => 1.0,
    }
}
