//! Buckets that have not answered for a while, so that not everybody who asks waits for as long.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::Uri;

use super::RetryBudget;

/// Buckets in trouble that are remembered; callers name buckets, so that their number has a bound.
const MOST: usize = 1024;

/// Part of the usual time that is waited for an answer of a bucket in trouble.
const SHARE: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<HashMap<String, Trouble>>);

#[derive(Clone, Copy, Debug)]
struct Trouble {
    /// When the first try began that failed, with no answer of the bucket since.
    since: Instant,
    last: Instant,
    probed: Instant,
}

/// How much an operation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// All of the budget.
    All,
    /// One try.
    Once,
    /// One try, and little time for its answer.
    Short,
}

impl Patience {
    /// Time for one request that moves at most so many bytes.
    pub(super) fn limit(self, budget: &RetryBudget, bytes: u64) -> Duration {
        match self {
            Self::All | Self::Once => budget.limit(bytes),
            Self::Short => budget.limit(bytes) / SHARE,
        }
    }
}

impl Troubles {
    /// What a bucket deserves now: one that gave no answer for the whole time of a budget is asked once and shortly, and
    /// now and then once with all the time for its answer.
    pub(super) fn patience(&self, uri: &Uri, total: Duration, now: Instant) -> Patience {
        let mut troubles = self.lock();
        let Some(trouble) = troubles.get_mut(uri.bucket()) else {
            return Patience::All;
        };
        if now - trouble.last > total {
            // nobody has asked for so long that nothing is known any more
            troubles.remove(uri.bucket());
            return Patience::All;
        }
        if now - trouble.since < total {
            return Patience::All;
        }
        if now - trouble.probed < total {
            return Patience::Short;
        }
        trouble.probed = now;
        Patience::Once
    }

    /// An answer, be it a refusal.
    pub(super) fn over(&self, uri: &Uri) {
        self.lock().remove(uri.bucket());
    }

    /// A try that began then had no answer by now.
    pub(super) fn failed(&self, uri: &Uri, began: Instant, now: Instant) {
        let mut troubles = self.lock();
        if let Some(trouble) = troubles.get_mut(uri.bucket()) {
            trouble.last = now;
            return;
        }
        if troubles.len() >= MOST {
            troubles.clear();
        }
        let trouble = Trouble {
            since: began,
            last: now,
            probed: now,
        };
        troubles.insert(uri.bucket().to_owned(), trouble);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_in_trouble_costs_little_until_it_answers() {
        let total = Duration::from_millis(100);
        let [a, b] = ["gs://dead/a", "gs://alive/b"].map(|text| Uri::parse(text).unwrap());
        let troubles = Troubles::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let ask = |uri: &Uri, millis| troubles.patience(uri, total, at(millis));
        let fail = |millis| troubles.failed(&a, at(millis), at(millis));
        assert_eq!(ask(&a, 0), Patience::All);
        fail(0);
        assert_eq!(ask(&a, 0), Patience::All);
        fail(60);
        // the first failure is older than the budget, the last one is not
        assert_eq!(ask(&a, 120), Patience::Once);
        assert_eq!(ask(&a, 120), Patience::Short);
        assert_eq!(ask(&b, 120), Patience::All);
        troubles.over(&a);
        assert_eq!(ask(&a, 120), Patience::All);
        fail(120);
        assert_eq!(ask(&a, 240), Patience::All, "that was long ago");
    }

    #[test]
    fn little_patience_is_a_part_of_the_time() {
        let budget = RetryBudget::default();
        let limit = |patience: Patience| patience.limit(&budget, 8 << 20);
        assert_eq!(limit(Patience::Short), Duration::from_millis(6500));
        assert_eq!(limit(Patience::Once), Duration::from_secs(52));
        assert_eq!(limit(Patience::All), Duration::from_secs(52));
    }
}
