//! One operation, tried as often as its budget allows.

use std::time::{Duration, Instant};

use domain::Uri;
use uuid::Uuid;

use super::RetryBudget;
use crate::{Error, Result};

/// What is left of a budget.
#[derive(Debug)]
pub(crate) struct Tries {
    budget: RetryBudget,
    left: u32,
    pause: Duration,
    lost: Duration,
}

impl Tries {
    pub(crate) fn of(budget: RetryBudget) -> Self {
        Self {
            budget,
            left: budget.tries,
            pause: budget.first_pause,
            lost: Duration::ZERO,
        }
    }

    /// Waits before the next try, after one that began then.
    ///
    /// # Errors
    /// The failure itself, when another try is not worth it or nothing is left.
    pub(crate) async fn pause(&mut self, began: Instant, failure: Error) -> Result<()> {
        if !failure.is_worth_another_try() {
            return Err(failure);
        }
        let wait = jittered(self.pause);
        self.left = self.left.saturating_sub(1);
        self.lost += began.elapsed().min(self.budget.answer) + wait;
        if self.left == 0 || self.lost > self.budget.total {
            return Err(failure);
        }
        tokio::time::sleep(wait).await;
        self.pause = (self.pause * 2).min(self.budget.longest_pause);
        Ok(())
    }
}

/// Tries until it is settled or nothing is left of the budget.
#[cfg(any(feature = "gcs", feature = "s3"))]
pub(crate) async fn repeat<T, F>(budget: RetryBudget, attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut tries = Tries::of(budget);
    loop {
        let began = Instant::now();
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => tries.pause(began, failure).await?,
        }
    }
}

/// Waits for an answer, at most so long.
pub(crate) async fn within<T>(
    limit: Duration,
    uri: &Uri,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| Err(Error::late(uri, limit)))
}

/// Between half of a pause and all of it.
fn jittered(pause: Duration) -> Duration {
    let random = Uuid::new_v4().as_bytes()[0];
    pause.mul_f64(0.5 + f64::from(random) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: RetryBudget = RetryBudget {
        tries: 6,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        total: Duration::from_mins(1),
        answer: Duration::from_secs(20),
        bytes_per_second: 1 << 18,
    };

    #[test]
    fn pauses_are_random_and_bounded() {
        let pause = Duration::from_millis(100);
        let pauses: Vec<_> = (0..200).map(|_| jittered(pause)).collect();
        assert!(
            pauses
                .iter()
                .all(|wait| *wait >= pause / 2 && *wait <= pause)
        );
        assert!(pauses.iter().any(|wait| *wait != pauses[0]));
    }

    #[test]
    fn a_request_has_time_for_its_answer_and_for_its_bytes() {
        assert_eq!(BUDGET.limit(0), Duration::from_secs(20));
        assert_eq!(BUDGET.limit(8 << 20), Duration::from_secs(52));
    }

    /// Tries after failures that came so late each.
    async fn tries(late: Duration) -> u32 {
        let uri = Uri::parse("gs://b/a").unwrap();
        let (mut tries, mut count) = (Tries::of(BUDGET), 1);
        let began = || Instant::now().checked_sub(late).unwrap();
        while tries.pause(began(), Error::late(&uri, late)).await.is_ok() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn pauses_and_failures_are_counted_and_progress_is_not() {
        assert_eq!(tries(Duration::ZERO).await, 6);
        // an upload of minutes that breaks is tried again, and no more often than a stalled read
        assert_eq!(tries(Duration::from_secs(20)).await, 4);
        assert_eq!(tries(Duration::from_mins(10)).await, 4);
    }
}
