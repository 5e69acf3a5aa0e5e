use std::time::Duration;

/// What becomes of a message after it was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the message is removed.
    Ack,
    /// Not now: the message is delivered again.
    Retry {
        /// When; absent to follow the waits of the queue, which then count as used.
        after: Option<Duration>,
        /// Whether the delivery counts as one of the tries of the queue. Those that do not go on for a day.
        counts: bool,
        /// Why, for logs and for the dead letter.
        reason: String,
    },
    /// Never: the message is put aside for an operator and for the dead-letter handler.
    DeadLetter {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Deliver again, following the waits of the queue.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry {
            after: None,
            counts: true,
            reason: reason.into(),
        }
    }

    /// Deliver again after a given time, without counting: nothing was tried, or whoever answers counts by itself.
    pub fn retry_after(after: Duration, reason: impl Into<String>) -> Self {
        Self::Retry {
            after: Some(after),
            counts: false,
            reason: reason.into(),
        }
    }

    /// Deliver again after a given time: a try failed.
    pub fn failed(after: Duration, reason: impl Into<String>) -> Self {
        Self::Retry {
            after: Some(after),
            counts: true,
            reason: reason.into(),
        }
    }

    /// Put aside.
    pub fn dead_letter(reason: impl Into<String>) -> Self {
        Self::DeadLetter {
            reason: reason.into(),
        }
    }
}
