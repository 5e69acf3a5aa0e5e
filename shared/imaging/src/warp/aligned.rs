//! Sources whose pixels are pixels of the target.

use crate::{Target, ffi::Window, source::Source};
use domain::{GeoTransform, Resampling, Size};

/// Relative difference of resolutions taken as equal.
const SAME_RESOLUTION: f64 = 1e-9;

/// Distance from whole pixels taken as none, in pixels.
const WHOLE_PIXEL: f64 = 1e-6;

/// Position of the first target pixel in the source or its overview, when every kernel but the smoothing one would
/// copy pixels.
pub(super) fn offset(
    source: &Source,
    overview: Option<usize>,
    target: &Target,
    kernel: Resampling,
) -> Option<(i64, i64)> {
    if kernel == Resampling::CubicSpline {
        return None;
    }
    let (transform, _) = source.grid(overview);
    let offset = whole_offset(&transform, &target.transform)?;
    source.crs().is_same(&target.crs).then_some(offset)
}

/// Rows to read from a row on when `left` are missing and at most `rows` fit: all of them, or to the end of a row of
/// blocks, so that none is decoded twice.
pub(super) fn strip(start: usize, left: usize, rows: u64, block: usize) -> usize {
    let rows = usize::try_from(rows).unwrap_or(left);
    if left <= rows {
        return left;
    }
    let over = (start + rows) % block.max(1);
    if over < rows { rows - over } else { rows }
}

/// Position of the first pixel of the target in the source, when the pixels of both are the same.
pub(crate) fn whole_offset(source: &GeoTransform, target: &GeoTransform) -> Option<(i64, i64)> {
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
    use super::{Window, overlap, strip, whole_offset};
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
    fn strips_end_with_rows_of_blocks_where_one_fits() {
        for (start, left, rows, block, expected) in [
            (0, 100, 100, 64, 100),
            (10, 9, u64::MAX, 64, 9),
            (0, 101, 100, 64, 64),
            (10, 900, 100, 64, 54),
            (64, 900, 128, 64, 128),
            (10, 900, 30, 64, 30),
            (60, 900, 30, 64, 4),
            (0, 900, 7, 1, 7),
            (3, 900, 7, 0, 7),
        ] {
            let found = strip(start, left, rows, block);
            assert_eq!(found, expected, "{start} {left} {rows} {block}");
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
