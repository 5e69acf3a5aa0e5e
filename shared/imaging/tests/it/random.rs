//! Numbers that are the same on each run.

/// `SplitMix64`, seeded: the requests of a test never change by themselves.
pub struct Random(cog::testing::Random);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(cog::testing::Random(seed))
    }

    /// A number of [0, 1).
    fn unit(&mut self) -> f64 {
        (self.0.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// As many small numbers as large ones.
    pub fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub fn count(&mut self, low: u32, high: u32) -> u32 {
        self.between(f64::from(low), f64::from(high) + 1.0).floor() as u32
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[(self.unit() * items.len() as f64) as usize]
    }
}
