use std::ops::Range;

use domain::Uri;

use crate::{Error, Result};

/// The part of a range that exists in a file of `size` bytes.
pub(crate) fn cut(uri: &Uri, range: &Range<u64>, size: u64) -> Result<Range<u64>> {
    if range.start > range.end {
        return Err(Error::invalid(
            uri,
            format!(
                "cannot read bytes {}..{}, expected an end behind the start",
                range.start, range.end
            ),
        ));
    }
    Ok(range.start.min(size)..range.end.min(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_the_end_of_the_file() {
        let uri = Uri::parse("/a").unwrap();
        for (range, expected) in [
            (0..10, 0..10),
            (5..20, 5..10),
            (10..20, 10..10),
            (50..60, 10..10),
            (3..3, 3..3),
            (0..u64::MAX, 0..10),
        ] {
            assert_eq!(cut(&uri, &range, 10).unwrap(), expected, "{range:?}");
        }
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        let backwards = 5..2;
        assert_eq!(
            cut(&uri, &backwards, 10).unwrap_err().to_string(),
            "/a: cannot read bytes 5..2, expected an end behind the start"
        );
    }
}
