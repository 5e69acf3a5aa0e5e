/// Factors of the overviews of an image: 2, 4, 8… as long as its width or height, halved as integers each time, is
/// above `min_size`. None when `min_size` is 0.
///
/// ```
/// assert_eq!(cog::overview_factors(4096, 4096, 512), [2, 4, 8]);
/// ```
pub fn overview_factors(width: u32, height: u32, min_size: u32) -> Vec<u32> {
    let mut factors = Vec::new();
    let (mut width, mut height, mut factor) = (width, height, 1_u32);
    // Below 2^32 pixels, 31 halvings reach 1: the factor cannot overflow while a size is above 1.
    while min_size > 0 && (width > min_size || height > min_size) {
        (width, height, factor) = (width / 2, height / 2, factor * 2);
        factors.push(factor);
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overviews_stop_at_the_minimum_size() {
        let cases: [(u32, u32, u32, &[u32]); 11] = [
            (256, 256, 256, &[]),
            (257, 256, 256, &[2]),
            (513, 513, 256, &[2]),
            (1024, 1024, 256, &[2, 4]),
            (4096, 4096, 512, &[2, 4, 8]),
            (4096, 4096, 256, &[2, 4, 8, 16]),
            (10980, 10980, 256, &[2, 4, 8, 16, 32, 64]),
            (5000, 100, 256, &[2, 4, 8, 16, 32]),
            (257, 10, 256, &[2]),
            (100_000, 100_000, 0, &[]),
            (1, 1, 1, &[]),
        ];
        for (width, height, min_size, expected) in cases {
            assert_eq!(
                overview_factors(width, height, min_size),
                expected,
                "{width}x{height}/{min_size}"
            );
        }
        assert_eq!(overview_factors(u32::MAX, 1, 1).len(), 31);
    }
}
