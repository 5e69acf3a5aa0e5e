use std::ops::Range;

use crate::pieces::PIECE;

/// Most bytes that are read for nothing to save a request: what a store delivers while it would answer another one.
const GAP: u64 = 512 << 10;

/// Blocks to ask for together: neighbours, and those with a small gap between, in pieces of a bounded length. `missing`
/// is ascending, without repetitions.
pub(super) fn runs(missing: &[u64], block: u64) -> Vec<Range<u64>> {
    let (gap, longest) = (GAP / block, (PIECE / block).max(1));
    let mut runs: Vec<Range<u64>> = Vec::new();
    for index in missing.iter().copied() {
        match runs.last_mut() {
            Some(run) if index - run.end <= gap && index - run.start < longest => {
                run.end = index + 1;
            }
            Some(_) | None => runs.push(index..index + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// Missing blocks, their size, and the requests for them.
    type Case<'a> = (&'a [u64], u64, &'a [Range<u64>]);

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "plans of one request")]
    fn neighbours_are_one_request_of_a_bounded_length() {
        let cases: [Case<'_>; 6] = [
            (&[], MIB, &[]),
            (&[0, 1, 2], MIB, &[0..3]),
            (&[0, 2], MIB, &[0..1, 2..3]),
            (&[0, 9, 10, 20], 64 << 10, &[0..11, 20..21]),
            (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], MIB, &[0..8, 8..10]),
            (&[3, 4], 32 * MIB, &[3..4, 4..5]),
        ];
        for (missing, block, expected) in cases {
            assert_eq!(runs(missing, block), expected, "{missing:?} {block}");
        }
    }
}
