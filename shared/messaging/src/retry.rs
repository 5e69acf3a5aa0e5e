use std::time::Duration;

use crate::Outcome;

/// Longer waits asked for by a handler are cut to this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// For how long after its first delivery a message may be put off by retries that do not count.
const LONGEST_DELAY: Duration = Duration::from_hours(24);

/// How often a message of an embedded queue is delivered before it is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Waits before each next delivery, used one by one by retries that do not say when.
    pub waits: Vec<Duration>,
    /// Deliveries that count: those after a crash do, those of retries that say so do not. By the latter a message may be put
    /// off for a day after its first delivery.
    pub max_tries: u32,
}

impl Default for RetryPolicy {
    /// One, ten and thirty minutes; a hundred deliveries.
    fn default() -> Self {
        Self {
            waits: [60, 600, 1800].map(Duration::from_secs).into(),
            max_tries: 100,
        }
    }
}

/// What is left of the policy for one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// Unused waits.
    pub waits: Vec<Duration>,
    /// Deliveries so far.
    pub deliveries: u32,
    /// Those of them that do not count.
    pub postponed: u32,
    /// Tries allowed: deliveries without those that were postponed.
    pub max_tries: u32,
    /// Time since the first delivery.
    pub age: Duration,
}

impl Remaining {
    /// Deliveries that count, the present one included.
    pub fn tries(&self) -> u32 {
        self.deliveries.saturating_sub(self.postponed)
    }
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Remove,
    Keep(Kept),
}

/// How a message is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// To be delivered again.
    Again {
        after: Duration,
        waits: Vec<Duration>,
        /// Whether the delivery is no try.
        postponed: bool,
        reason: String,
    },
    /// For an operator, and for the dead-letter handler.
    Aside { reason: String },
}

/// Applies the answer of a handler to what is left of the policy.
pub(crate) fn settle(outcome: Outcome, remaining: &Remaining) -> Settlement {
    match outcome {
        Outcome::Ack => Settlement::Remove,
        Outcome::DeadLetter { reason } => Settlement::Keep(Kept::Aside { reason }),
        Outcome::Retry {
            after,
            counts,
            reason,
        } => Settlement::Keep(retry(after, counts, reason, remaining)),
    }
}

fn retry(after: Option<Duration>, counts: bool, reason: String, remaining: &Remaining) -> Kept {
    let is_over = if counts {
        remaining.tries() >= remaining.max_tries
    } else {
        remaining.age >= LONGEST_DELAY
    };
    let next = match (after, remaining.waits.split_first()) {
        (Some(after), _) => Some((after.min(LONGEST_WAIT), remaining.waits.clone())),
        (None, Some((after, waits))) => Some((*after, waits.to_vec())),
        (None, None) => None,
    };
    match next {
        Some((after, waits)) if !is_over => Kept::Again {
            after,
            waits,
            postponed: !counts,
            reason,
        },
        Some(_) | None => Kept::Aside {
            reason: format!(
                "{reason} (given up after {} deliveries)",
                remaining.deliveries
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(values: &[u64]) -> Vec<Duration> {
        values.iter().copied().map(Duration::from_secs).collect()
    }

    fn remaining(waits: &[u64], deliveries: u32) -> Remaining {
        Remaining {
            waits: seconds(waits),
            deliveries,
            postponed: 0,
            max_tries: 100,
            age: Duration::from_secs(1),
        }
    }

    fn again(after: u64, waits: &[u64]) -> Settlement {
        Settlement::Keep(Kept::Again {
            after: Duration::from_secs(after),
            waits: seconds(waits),
            postponed: false,
            reason: "busy".into(),
        })
    }

    fn failed(deliveries: u32) -> Settlement {
        Settlement::Keep(Kept::Aside {
            reason: format!("busy (given up after {deliveries} deliveries)"),
        })
    }

    #[test]
    fn temporary_failures_use_the_waits_and_then_fail() {
        assert_eq!(
            settle(Outcome::retry("busy"), &remaining(&[60, 600, 1800], 1)),
            again(60, &[600, 1800])
        );
        assert_eq!(
            settle(Outcome::retry("busy"), &remaining(&[600, 1800], 2)),
            again(600, &[1800])
        );
        assert_eq!(
            settle(Outcome::retry("busy"), &remaining(&[1800], 3)),
            again(1800, &[])
        );
        assert_eq!(
            settle(Outcome::retry("busy"), &remaining(&[], 4)),
            failed(4)
        );
        assert_eq!(
            settle(Outcome::retry("busy"), &remaining(&[60], 100)),
            failed(100)
        );
    }

    #[test]
    fn a_retry_that_does_not_count_goes_on_for_a_day() {
        let soon = || Outcome::retry_after(Duration::from_secs(5), "busy");
        let postponed = Settlement::Keep(Kept::Again {
            after: Duration::from_secs(5),
            waits: seconds(&[60]),
            postponed: true,
            reason: "busy".into(),
        });
        assert_eq!(settle(soon(), &remaining(&[60], 5000)), postponed);
        let of_age = |hours| Remaining {
            age: Duration::from_hours(hours),
            ..remaining(&[60], 5000)
        };
        assert_eq!(settle(soon(), &of_age(23)), postponed);
        assert_eq!(settle(soon(), &of_age(24)), failed(5000));
    }

    #[test]
    fn a_failed_try_that_says_when_uses_no_wait_but_counts() {
        let soon = || Outcome::failed(Duration::from_secs(5), "busy");
        let again = Settlement::Keep(Kept::Again {
            after: Duration::from_secs(5),
            waits: seconds(&[60]),
            postponed: false,
            reason: "busy".into(),
        });
        assert_eq!(settle(soon(), &remaining(&[60], 99)), again);
        assert_eq!(settle(soon(), &remaining(&[60], 100)), failed(100));
    }

    #[test]
    fn deliveries_that_were_postponed_leave_all_the_tries() {
        let tried = |postponed| Remaining {
            postponed,
            ..remaining(&[60], 120)
        };
        assert_eq!(tried(119).tries(), 1);
        assert_eq!(settle(Outcome::retry("busy"), &tried(21)), again(60, &[]));
        assert_eq!(settle(Outcome::retry("busy"), &tried(20)), failed(120));
    }

    #[test]
    fn done_is_removed_and_poison_fails_at_once() {
        assert_eq!(
            settle(Outcome::Ack, &remaining(&[60], 1)),
            Settlement::Remove
        );
        let poison = Settlement::Keep(Kept::Aside {
            reason: "no order".into(),
        });
        assert_eq!(
            settle(Outcome::dead_letter("no order"), &remaining(&[60], 1)),
            poison
        );
    }

    #[test]
    fn the_default_waits_are_those_of_the_queue_table() {
        assert_eq!(RetryPolicy::default().waits, seconds(&[60, 600, 1800]));
    }
}
