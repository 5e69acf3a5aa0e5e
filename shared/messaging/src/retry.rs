use std::time::Duration;

use crate::Outcome;

/// Longer waits asked for by a handler are cut to this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How often a message of an embedded queue is delivered before it is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Waits before each next delivery, used one by one by retries that do not say when.
    pub waits: Vec<Duration>,
    /// Deliveries in all, those after a crash and those after a retry that says when included.
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
    pub tries: u32,
    /// Deliveries allowed.
    pub max_tries: u32,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Remove,
    Again {
        after: Duration,
        waits: Vec<Duration>,
        reason: String,
    },
    Fail {
        reason: String,
    },
}

/// Applies the answer of a handler to what is left of the policy.
pub(crate) fn settle(outcome: Outcome, remaining: &Remaining) -> Settlement {
    match outcome {
        Outcome::Ack => Settlement::Remove,
        Outcome::DeadLetter { reason } => Settlement::Fail { reason },
        Outcome::Retry { reason, .. } if remaining.tries >= remaining.max_tries => {
            Settlement::Fail {
                reason: format!("{reason} (given up after {} deliveries)", remaining.tries),
            }
        }
        Outcome::Retry {
            after: Some(after),
            reason,
        } => Settlement::Again {
            after: after.min(LONGEST_WAIT),
            waits: remaining.waits.clone(),
            reason,
        },
        Outcome::Retry {
            after: None,
            reason,
        } => match remaining.waits.split_first() {
            Some((after, waits)) => Settlement::Again {
                after: *after,
                waits: waits.to_vec(),
                reason,
            },
            None => Settlement::Fail {
                reason: format!("{reason} (given up after {} deliveries)", remaining.tries),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(values: &[u64]) -> Vec<Duration> {
        values.iter().copied().map(Duration::from_secs).collect()
    }

    fn remaining(waits: &[u64], tries: u32) -> Remaining {
        Remaining {
            waits: seconds(waits),
            tries,
            max_tries: 100,
        }
    }

    fn again(after: u64, waits: &[u64]) -> Settlement {
        Settlement::Again {
            after: Duration::from_secs(after),
            waits: seconds(waits),
            reason: "busy".into(),
        }
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
        let failed = Settlement::Fail {
            reason: "busy (given up after 4 deliveries)".into(),
        };
        assert_eq!(settle(Outcome::retry("busy"), &remaining(&[], 4)), failed);
    }

    #[test]
    fn a_retry_that_says_when_uses_no_wait_but_is_bounded() {
        let soon = || Outcome::retry_after(Duration::from_secs(5), "busy");
        assert_eq!(settle(soon(), &remaining(&[60], 99)), again(5, &[60]));
        let failed = Settlement::Fail {
            reason: "busy (given up after 100 deliveries)".into(),
        };
        assert_eq!(settle(soon(), &remaining(&[60], 100)), failed);
    }

    #[test]
    fn done_is_removed_and_poison_fails_at_once() {
        assert_eq!(
            settle(Outcome::Ack, &remaining(&[60], 1)),
            Settlement::Remove
        );
        let poison = Settlement::Fail {
            reason: "no order".into(),
        };
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
