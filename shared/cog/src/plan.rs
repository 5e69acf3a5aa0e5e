use std::ops::Range;

use crate::Block;

/// How far apart neighbours may be to be read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimits {
    /// Most bytes between two blocks that are read for nothing.
    pub max_gap: u64,
    /// Most bytes of one range. Only a larger block, or blocks that overlap, exceed it.
    pub max_len: u64,
}

/// Ranges to read, and where each block lies in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Disjoint ranges in ascending order.
    pub ranges: Vec<Range<u64>>,
    /// One place per block, in the order the blocks were given; none for sparse blocks.
    pub places: Vec<Option<Place>>,
}

/// Where a block lies in the ranges of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Index of the range.
    pub range: usize,
    /// First byte, from the start of the range.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
}

/// Coalesces the blocks of one file into few ranges. Blocks may come in any order and more than once.
///
/// ```
/// use cog::{Block, PlanLimits, plan_ranges};
/// let blocks = [Block { offset: 500, len: 50 }, Block { offset: 0, len: 0 }, Block { offset: 430, len: 60 }];
/// let plan = plan_ranges(&blocks, PlanLimits { max_gap: 10, max_len: 1000 });
/// assert_eq!(plan.ranges, [430..550]);
/// assert_eq!(plan.places[0].unwrap().start, 70);
/// assert_eq!(plan.places[1], None);
/// ```
pub fn plan_ranges(blocks: &[Block], limits: PlanLimits) -> Plan {
    let mut sorted = (0..blocks.len())
        .filter(|at| !blocks[*at].is_sparse())
        .collect::<Vec<_>>();
    sorted.sort_by_key(|at| blocks[*at].offset);
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut places = vec![None; blocks.len()];
    for at in sorted {
        let block = blocks[at];
        match ranges.last_mut() {
            Some(last) if joins(last, block, limits) => last.end = last.end.max(block.end()),
            _ => ranges.push(block.offset..block.end()),
        }
        let range = ranges.len() - 1;
        let start = block.offset - ranges[range].start;
        places[at] = Some(Place {
            range,
            start,
            len: block.len,
        });
    }
    Plan { ranges, places }
}

fn joins(last: &Range<u64>, block: Block, limits: PlanLimits) -> bool {
    if block.offset < last.end {
        return true;
    }
    block.offset - last.end <= limits.max_gap && block.end() - last.start <= limits.max_len
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "plans of one range")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(offset: u64, len: u64) -> Block {
        Block { offset, len }
    }

    #[test]
    fn neighbours_join_up_to_the_gap_and_the_length() {
        let limits = PlanLimits {
            max_gap: 10,
            max_len: 100,
        };
        let cases: [(&[Block], &[Range<u64>]); 6] = [
            (&[], &[]),
            (&[block(10, 5), block(15, 5)], &[10..20]),
            (&[block(10, 5), block(25, 5)], &[10..30]),
            (&[block(10, 5), block(26, 5)], &[10..15, 26..31]),
            (&[block(10, 60), block(70, 50)], &[10..70, 70..120]),
            // what overlaps stays together
            (&[block(10, 90), block(50, 80), block(10, 90)], &[10..130]),
        ];
        for (blocks, expected) in cases {
            assert_eq!(plan_ranges(blocks, limits).ranges, expected, "{blocks:?}");
        }
    }

    #[test]
    fn offsets_near_the_end_of_the_numbers_do_not_overflow() {
        let plan = plan_ranges(
            &[block(u64::MAX - 1, 50)],
            PlanLimits {
                max_gap: 1,
                max_len: 1,
            },
        );
        assert_eq!(plan.ranges, [u64::MAX - 1..u64::MAX]);
    }

    proptest! {
        #[test]
        fn every_block_is_covered_once(
            blocks in prop::collection::vec((0..3000_u64, 0..200_u64), 0..60),
            max_gap in 0..100_u64,
            max_len in 1..800_u64,
        ) {
            let blocks = blocks.into_iter().map(|(offset, len)| block(offset, len)).collect::<Vec<_>>();
            let plan = plan_ranges(&blocks, PlanLimits { max_gap, max_len });
            for pair in plan.ranges.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            for (block, place) in blocks.iter().zip(&plan.places) {
                prop_assert_eq!(place.is_none(), block.is_sparse());
                if let Some(place) = place {
                    let range = &plan.ranges[place.range];
                    prop_assert_eq!(range.start + place.start, block.offset);
                    prop_assert_eq!(place.len, block.len);
                    prop_assert!(block.end() <= range.end);
                }
            }
            for range in &plan.ranges {
                let inside = blocks.iter().filter(|block| !block.is_sparse() && range.contains(&block.offset));
                prop_assert!(range.end - range.start <= max_len || inside.count() > 1 || range.end - range.start < 200);
            }
        }
    }
}
