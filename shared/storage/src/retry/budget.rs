use std::time::Duration;

/// How often and how long an operation is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// Tries in all; the first one counts.
    pub tries: u32,
    /// Pause before the second try, doubled after each one, of which a random part is waited.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// Time lost in pauses and failures after which no other try begins. What moved before a transfer broke is no loss:
    /// a failure costs at most `answer`.
    pub total: Duration,
    /// Time for the answer to one request, on top of what its bytes may take.
    pub answer: Duration,
    /// Slowest transfer that is waited for.
    pub bytes_per_second: u64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            tries: 6,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            total: Duration::from_mins(1),
            answer: Duration::from_secs(20),
            bytes_per_second: 1 << 18,
        }
    }
}

impl RetryBudget {
    /// Time for one request that moves at most so many bytes.
    pub(crate) fn limit(&self, bytes: u64) -> Duration {
        let moving = Duration::from_secs(bytes / self.bytes_per_second.max(1));
        self.answer.saturating_add(moving)
    }
}
