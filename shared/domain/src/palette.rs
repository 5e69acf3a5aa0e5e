//! Colour ramps.

use crate::{Error, Result, check_name};

/// One knot of a ramp: a position in [0, 1] and its colour, alpha not premultiplied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorPoint {
    /// Position on the ramp.
    pub value: f32,
    /// Red, green, blue, alpha.
    pub rgba: [u8; 4],
}

/// Named colour ramp over [0, 1], linear between its knots.
///
/// Invariants: at least two knots, strictly increasing, the first at 0 and the last at 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// Unique name.
    pub name: String,
    /// Knots, sorted by position.
    points: Vec<ColorPoint>,
}

/// Entries of a rendered palette: 255 colours and the transparent one.
pub const ENTRIES: usize = 256;

impl Palette {
    /// Builds a checked palette; the knots may come in any order. Their positions are kept with six decimals.
    ///
    /// # Errors
    /// [`Error::Invalid`] that tells which rule is broken.
    pub fn try_new(name: String, mut points: Vec<ColorPoint>) -> Result<Self> {
        check_name("Palette.name", &name)?;
        for point in &mut points {
            point.value = rounded(point.value);
        }
        points.sort_by(|a, b| a.value.total_cmp(&b.value));
        let invalid = |rule: &str| Err(Error::invalid(format!("Invalid Palette.colors: {rule}")));
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return invalid("expected at least two points");
        };
        if points.len() < 2 {
            return invalid("expected at least two points");
        }
        if first.value != 0.0 || last.value != 1.0 {
            return invalid("expected the first value to be 0 and the last one to be 1");
        }
        if !points.windows(2).all(|pair| pair[0].value < pair[1].value) {
            return invalid("expected strictly increasing values");
        }
        Ok(Self { name, points })
    }

    /// The palette of stored knots, which may be older than today's rules: those outside [0, 1] do not count, the first one of
    /// several at the same position does, and the colours at the ends go on to 0 and to 1.
    ///
    /// # Errors
    /// [`Error::Precondition`] when no knot counts.
    pub fn from_stored(name: String, mut points: Vec<ColorPoint>) -> Result<Self> {
        points.retain(|point| (0.0..=1.0).contains(&point.value));
        points.sort_by(|a, b| a.value.total_cmp(&b.value));
        points.dedup_by(|next, kept| next.value == kept.value);
        let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
            return Err(Error::Precondition(format!(
                "the palette {name} has no point between 0 and 1: replace it"
            )));
        };
        if first.value > 0.0 {
            points.insert(
                0,
                ColorPoint {
                    value: 0.0,
                    ..first
                },
            );
        }
        if last.value < 1.0 {
            points.push(ColorPoint { value: 1.0, ..last });
        }
        Ok(Self { name, points })
    }

    /// The knots, sorted by position.
    pub fn points(&self) -> &[ColorPoint] {
        &self.points
    }

    /// The ramp as 256 colours: 0 to 254 follow it, 255 is transparent black.
    pub fn render(&self) -> [[u8; 4]; ENTRIES] {
        let mut entries = [[0; 4]; ENTRIES];
        let last = (ENTRIES - 2) as f32;
        for (index, entry) in entries.iter_mut().take(ENTRIES - 1).enumerate() {
            *entry = self.color_at(index as f32 / last);
        }
        entries
    }

    /// Colour at a position; at a shared knot the segment on the left counts.
    fn color_at(&self, value: f32) -> [u8; 4] {
        let right = self
            .points
            .iter()
            .skip(1)
            .position(|knot| knot.value >= value)
            .map_or(self.points.len() - 1, |i| i + 1);
        let (from, to) = (self.points[right - 1], self.points[right]);
        let share = (value - from.value) / (to.value - from.value);
        std::array::from_fn(|channel| {
            (f32::from(from.rgba[channel]) * (1.0 - share) + f32::from(to.rgba[channel]) * share)
                as u8
        })
    }
}

fn rounded(position: f32) -> f32 {
    ((f64::from(position) * 1e6).round() / 1e6) as f32
}

#[cfg(test)]
mod tests {
    use super::{ColorPoint, Palette};

    fn palette(points: &[(f32, [u8; 3])]) -> crate::Result<Palette> {
        let knot = |(value, [r, g, b]): &(f32, [u8; 3])| ColorPoint {
            value: *value,
            rgba: [*r, *g, *b, 255],
        };
        Palette::try_new("ramp".to_owned(), points.iter().map(knot).collect())
    }

    fn at(values: &[f32]) -> crate::Result<Palette> {
        palette(
            &values
                .iter()
                .map(|value| (*value, [0; 3]))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn knots_go_from_0_to_1_strictly() {
        assert!(at(&[0.0, 0.5, 1.0]).is_ok());
        assert!(at(&[1.0, 0.5, 0.0]).is_ok());
        for values in [
            &[][..],
            &[0.0],
            &[0.1, 1.0],
            &[0.0, 0.9],
            &[0.0, 0.5, 1.0, 0.5],
            &[0.0, 0.5, 0.5, 1.0],
            &[0.0, f32::NAN, 1.0],
        ] {
            assert!(at(values).is_err(), "{values:?}");
        }
        assert!(
            Palette::try_new("wrong name".to_owned(), at(&[0.0, 1.0]).unwrap().points).is_err()
        );
    }

    #[test]
    fn positions_are_rounded_before_they_are_checked() {
        let points = |values: &[f32]| -> Vec<f32> {
            let palette = at(values).unwrap();
            palette.points().iter().map(|point| point.value).collect()
        };
        assert_eq!(points(&[4e-8, 0.123_456_7, 1.0]), [0.0, 0.123_457, 1.0]);
        // the same position once they are stored
        for values in [[0.0, 1e-7, 1.0], [0.0, 0.999_999_9, 1.0]] {
            assert!(at(&values).is_err(), "{values:?}");
        }
        assert!(
            palette(&[
                (0.0, [0; 3]),
                (0.5, [0; 3]),
                (0.500_000_1, [1; 3]),
                (1.0, [0; 3])
            ])
            .is_err()
        );
    }

    #[test]
    fn stored_knots_that_break_the_rules_still_make_a_ramp() {
        let stored = |values: &[f32]| {
            let mut points: Vec<ColorPoint> =
                at(&[0.0, 1.0]).unwrap().points[..1].repeat(values.len());
            for ((point, value), level) in points.iter_mut().zip(values).zip(1..) {
                (point.value, point.rgba[0]) = (*value, level);
            }
            let palette = Palette::from_stored("an old name".to_owned(), points)?;
            let points = palette.points().iter();
            Ok::<_, crate::Error>(
                points
                    .map(|point| (point.value, point.rgba[0]))
                    .collect::<Vec<_>>(),
            )
        };
        for (values, expected) in [
            (&[0.0, 1.0][..], vec![(0.0, 1), (1.0, 2)]),
            (&[1.0, f32::NAN, 0.0], vec![(0.0, 3), (1.0, 1)]),
            (&[0.0, 0.5, 0.5, 1.0], vec![(0.0, 1), (0.5, 2), (1.0, 4)]),
            (&[0.5], vec![(0.0, 1), (0.5, 1), (1.0, 1)]),
            (&[-1.0, 0.25, 2.0], vec![(0.0, 2), (0.25, 2), (1.0, 2)]),
        ] {
            assert_eq!(stored(values).unwrap(), expected, "{values:?}");
        }
        for values in [&[][..], &[f32::NAN], &[-1.0, 7.0]] {
            let error = stored(values).unwrap_err();
            assert!(error.to_string().contains("an old name"), "{error}");
        }
    }

    #[test]
    fn entries_follow_the_segments() {
        let grey = palette(&[(0.0, [0; 3]), (1.0, [255; 3])]).unwrap().render();
        for (entry, level) in [(0, 0), (1, 1), (63, 63), (127, 127), (253, 253), (254, 255)] {
            assert_eq!(grey[entry][..3], [level; 3], "{entry}");
        }
        assert_eq!(grey[255], [0; 4]);
        let red = palette(&[(0.0, [0; 3]), (0.5, [127, 0, 0]), (1.0, [255, 0, 0])])
            .unwrap()
            .render();
        for (entry, level) in [(63, 63), (127, 127), (128, 128), (253, 253), (254, 255)] {
            assert_eq!(red[entry][0], level, "{entry}");
        }
        let hue = palette(&[(0.0, [0, 0, 255]), (0.25, [0, 255, 0]), (1.0, [255, 0, 0])])
            .unwrap()
            .render();
        for (entry, color) in [
            (1, [0, 4, 250]),
            (63, [0, 252, 2]),
            (64, [0, 254, 0]),
            (126, [83, 171, 0]),
            (190, [169, 85, 0]),
            (253, [253, 1, 0]),
        ] {
            assert_eq!(hue[entry][..3], color, "{entry}");
        }
        // what single precision leaves of opaque between two opaque points
        assert!(hue[127][3] >= 254, "{}", hue[127][3]);
    }
}
