//! Buckets that have not answered for a while, so that not everybody who asks waits for as long.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::Uri;

use super::RetryBudget;

/// Buckets that are remembered; callers name buckets, so that their number has a bound.
const MOST: usize = 1024;

/// Part of the usual time that is waited for an answer of a bucket in trouble.
const SHARE: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<HashMap<String, Bucket>>);

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When the last answer came.
    answered: Option<Instant>,
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    /// When the first try began that failed, or the last answer before it came, with no answer of the bucket since.
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
        let mut buckets = self.lock();
        let Some(bucket) = buckets.get_mut(uri.bucket()) else {
            return Patience::All;
        };
        let Some(trouble) = &mut bucket.trouble else {
            return Patience::All;
        };
        if now - trouble.last > total {
            // nobody has asked for so long that nothing is known any more
            bucket.trouble = None;
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
    pub(super) fn over(&self, uri: &Uri, now: Instant) {
        let mut buckets = self.lock();
        let bucket = entry(&mut buckets, uri);
        *bucket = Bucket {
            answered: Some(now),
            trouble: None,
        };
    }

    /// A try that began then had no answer by now.
    pub(super) fn failed(&self, uri: &Uri, began: Instant, now: Instant) {
        let mut buckets = self.lock();
        let bucket = entry(&mut buckets, uri);
        if let Some(trouble) = &mut bucket.trouble {
            trouble.last = now;
            return;
        }
        bucket.trouble = Some(Trouble {
            since: bucket
                .answered
                .map_or(began, |answered| began.max(answered)),
            last: now,
            probed: now,
        });
    }

    /// Whether the bucket gave nobody an answer since then.
    pub(super) fn is_silent_since(&self, uri: &Uri, then: Instant) -> bool {
        let buckets = self.lock();
        let answered = buckets.get(uri.bucket()).and_then(|bucket| bucket.answered);
        answered.is_none_or(|answered| answered < then)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is remembered of a bucket.
fn entry<'a>(buckets: &'a mut HashMap<String, Bucket>, uri: &Uri) -> &'a mut Bucket {
    let name = uri.bucket();
    if buckets.len() >= MOST && !buckets.contains_key(name) {
        buckets.clear();
    }
    buckets.entry(name.to_owned()).or_default()
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
        troubles.over(&a, at(120));
        assert_eq!(ask(&a, 120), Patience::All);
        fail(120);
        assert_eq!(ask(&a, 240), Patience::All, "that was long ago");
    }

    #[test]
    fn a_bucket_is_silent_when_nobody_had_an_answer() {
        let [a, b] = ["gs://dead/a", "gs://alive/b"].map(|text| Uri::parse(text).unwrap());
        let troubles = Troubles::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert!(troubles.is_silent_since(&a, at(0)));
        troubles.over(&b, at(20));
        assert!(troubles.is_silent_since(&a, at(10)));
        assert!(!troubles.is_silent_since(&b, at(10)));
        assert!(troubles.is_silent_since(&b, at(30)));
        // a try that began before an answer says nothing of the time before that
        troubles.failed(&b, at(0), at(40));
        let total = Duration::from_millis(100);
        assert_eq!(troubles.patience(&b, total, at(110)), Patience::All);
        assert_eq!(troubles.patience(&b, total, at(125)), Patience::Short);
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
