//! Parts of a target that are warped one after the other.

use domain::{Point, Size};

/// Sides below which a part of the target is not halved any more, in pixels.
const SMALLEST_PART: u32 = 8;

/// Part of a grid, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) column: u32,
    pub(super) row: u32,
    pub(super) size: Size,
}

/// Where a part is halved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Across its longer side.
    Across,
    /// Between rows, as long as there are two.
    BetweenRows,
}

impl Part {
    pub(super) fn whole(size: Size) -> Self {
        Self {
            column: 0,
            row: 0,
            size,
        }
    }

    /// Column and row of its first pixel.
    pub(super) fn corner(self) -> (usize, usize) {
        (self.column as usize, self.row as usize)
    }

    /// Both halves; none of a part that is too small.
    pub(super) fn halves(self, cut: Cut) -> Option<[Self; 2]> {
        let Size { width, height } = self.size;
        let by_rows = match cut {
            Cut::BetweenRows if height > 1 => true,
            Cut::BetweenRows | Cut::Across if width.max(height) < 2 * SMALLEST_PART => return None,
            Cut::BetweenRows | Cut::Across => width <= height,
        };
        let (mut first, mut second) = (self, self);
        if by_rows {
            first.size.height = height / 2;
            second.row += height / 2;
            second.size.height = height - height / 2;
        } else {
            first.size.width = width / 2;
            second.column += width / 2;
            second.size.width = width - width / 2;
        }
        Some([first, second])
    }

    /// A position of it, given in steps from its first corner.
    pub(super) fn position(self, (column, row): (u32, u32), steps: u32) -> Point {
        let share = |start: u32, length: u32, step: u32| {
            f64::from(start) + f64::from(length) * f64::from(step) / f64::from(steps)
        };
        Point::new(
            share(self.column, self.size.width, column),
            share(self.row, self.size.height, row),
        )
    }
}
