//! Which overview of a source serves a target.

use crate::{ffi::Transformer, source::Source};
use domain::{Point, Size};

/// Positions along each side of the target that tell its resolution.
const POSITIONS: u32 = 10;

/// The overview that GDAL's warp utility takes by itself: the coarsest one that is at least as fine as the target,
/// along the rows of the source.
pub(super) fn choose(source: &Source, target: Size, transformer: &Transformer) -> Option<usize> {
    if source.overviews().is_empty() {
        return None;
    }
    let ratio = ratio(target, transformer)?;
    pick(source.info.size, source.overviews(), ratio)
}

/// Columns of the source per column of the target.
fn ratio(target: Size, transformer: &Transformer) -> Option<f64> {
    let position =
        |step: u32, length: u32| f64::from(length) * f64::from(step) / f64::from(POSITIONS - 1);
    let positions: Vec<Point> = (0..POSITIONS * POSITIONS)
        .map(|index| {
            Point::new(
                position(index % POSITIONS, target.width),
                position(index / POSITIONS, target.height),
            )
        })
        .collect();
    let columns = transformer.to_source(&positions);
    let columns = columns.iter().flatten().map(|point| point.x);
    let bounds = columns.fold(None, |bounds: Option<(f64, f64)>, x| {
        let (min, max) = bounds.unwrap_or((x, x));
        Some((min.min(x), max.max(x)))
    });
    bounds.map(|(min, max)| (max - min) / f64::from(target.width))
}

/// `ratio` is the number of source pixels per target pixel.
fn pick(full: Size, overviews: &[Size], ratio: f64) -> Option<usize> {
    /// Overviews this near to the ratio are taken as equal to it.
    const NEAR: f64 = 0.1;
    if ratio.is_nan() || ratio <= 1.0 {
        return None;
    }
    let ratio_of = |size: &Size| f64::from(full.width) / f64::from(size.width);
    let mut chosen = None;
    let mut current = 1.0;
    for (index, size) in overviews.iter().enumerate() {
        let next = ratio_of(size);
        if current < ratio && next > ratio || (current - ratio).abs() < NEAR {
            break;
        }
        (chosen, current) = (Some(index), next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::{Size, pick};

    #[test]
    fn the_coarsest_overview_that_is_fine_enough_is_taken() {
        let size = |side| Size {
            width: side,
            height: side,
        };
        let overviews = [size(512), size(256), size(128)];
        for (ratio, expected) in [
            (0.5, None),
            (1.0, None),
            (1.05, None),
            (1.9, None),
            (1.95, None),
            (2.0, Some(0)),
            (3.0, Some(0)),
            (4.0, Some(1)),
            (4.05, Some(1)),
            (7.0, Some(1)),
            (8.0, Some(2)),
            (1000.0, Some(2)),
            (f64::NAN, None),
            (f64::INFINITY, Some(2)),
        ] {
            assert_eq!(pick(size(1024), &overviews, ratio), expected, "{ratio}");
        }
    }
}
