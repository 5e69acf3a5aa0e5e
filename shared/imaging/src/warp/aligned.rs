//! Sources whose pixels are pixels of the target.

use crate::{Target, ffi::Window, source::Source};
use domain::{GeoTransform, Resampling, Size};

/// Relative difference of resolutions taken as equal.
const SAME_RESOLUTION: f64 = 1e-9;

/// Distance from whole pixels taken as none, in pixels.
const WHOLE_PIXEL: f64 = 1e-6;

/// Position of the first target pixel in the source, when every kernel but the smoothing one would copy pixels.
pub(super) fn offset(source: &Source, target: &Target, kernel: Resampling) -> Option<(i64, i64)> {
    if kernel == Resampling::CubicSpline {
        return None;
    }
    let offset = whole_offset(&source.info.transform, &target.transform)?;
    source.crs().is_same(&target.crs).then_some(offset)
}

fn whole_offset(source: &GeoTransform, target: &GeoTransform) -> Option<(i64, i64)> {
    let scale = [1, 2, 4, 5]
        .into_iter()
        .map(|term| source.0[term].abs())
        .fold(0.0, f64::max);
    let same = [1, 2, 4, 5]
        .into_iter()
        .all(|term| (source.0[term] - target.0[term]).abs() <= SAME_RESOLUTION * scale);
    if !same {
        return None;
    }
    let origin = source.inverse().apply(target.0[0], target.0[3]);
    let whole = |position: f64| {
        let rounded = position.round();
        let near = (position - rounded).abs() <= WHOLE_PIXEL && rounded.abs() < 1e15;
        near.then_some(rounded as i64)
    };
    Some((whole(origin.x)?, whole(origin.y)?))
}

/// Window of the source that lies in the target, and the position of its first pixel there.
pub(super) fn overlap(
    source: Size,
    target: Size,
    offset: (i64, i64),
) -> Option<(Window, (usize, usize))> {
    let axis = |length: u32, wanted: u32, offset: i64| {
        let start = offset.max(0);
        let end = i64::from(length).min(offset.saturating_add(i64::from(wanted)));
        (start < end).then(|| {
            (
                start as usize,
                (end - start) as usize,
                (start - offset) as usize,
            )
        })
    };
    let (x, width, column) = axis(source.width, target.width, offset.0)?;
    let (y, height, row) = axis(source.height, target.height, offset.1)?;
    let window = Window {
        x,
        y,
        width,
        height,
    };
    Some((window, (column, row)))
}

#[cfg(test)]
mod tests {
    use super::{Window, overlap, whole_offset};
    use domain::{GeoTransform, Size};

    #[test]
    fn whole_pixels_are_recognised() {
        let source = GeoTransform([500000.0, 10.0, 0.0, 4000000.0, 0.0, -10.0]);
        for (transform, expected) in [
            ([500020.0, 10.0, 0.0, 4000000.0, 0.0, -10.0], Some((2, 0))),
            ([499980.0, 10.0, 0.0, 3999990.0, 0.0, -10.0], Some((-2, 1))),
            ([500025.0, 10.0, 0.0, 4000000.0, 0.0, -10.0], None),
            ([500000.0, 10.0, 0.0, 4000000.0, 0.0, 10.0], None),
            ([500000.0, 20.0, 0.0, 4000000.0, 0.0, -20.0], None),
            ([500000.0, 10.0, 1.0, 4000000.0, 0.0, -10.0], None),
            (
                [500000.000001, 10.0, 0.0, 4000000.0, 0.0, -10.0],
                Some((0, 0)),
            ),
            ([1e300, 10.0, 0.0, 4000000.0, 0.0, -10.0], None),
        ] {
            assert_eq!(
                whole_offset(&source, &GeoTransform(transform)),
                expected,
                "{transform:?}"
            );
        }
    }

    #[test]
    fn the_overlap_stays_inside_both() {
        let (source, target) = (
            Size {
                width: 10,
                height: 8,
            },
            Size {
                width: 4,
                height: 4,
            },
        );
        let window = |x, y, width, height| Window {
            x,
            y,
            width,
            height,
        };
        assert_eq!(
            overlap(source, target, (2, 3)),
            Some((window(2, 3, 4, 4), (0, 0)))
        );
        assert_eq!(
            overlap(source, target, (-1, 6)),
            Some((window(0, 6, 3, 2), (1, 0)))
        );
        assert_eq!(overlap(source, target, (10, 0)), None);
        assert_eq!(overlap(source, target, (-4, 0)), None);
        assert_eq!(overlap(source, target, (i64::MAX, 0)), None);
    }
}
