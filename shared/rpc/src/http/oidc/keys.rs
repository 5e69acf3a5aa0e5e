//! The published keys, kept while they are good.

use super::fetch::{Fetched, KeySource};
use super::token::Key;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Keys are not fetched more often than this, whatever ids callers invent.
const PAUSE: Duration = Duration::from_mins(1);
/// The same after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long keys are used beyond their time while their server does not answer.
const STALE: Duration = Duration::from_hours(24);

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// None of the published ones has the id.
    Unknown,
    /// The published ones cannot be had.
    Unavailable,
}

/// The keys of a server, fetched when they are needed.
#[derive(Debug)]
pub(super) struct KeyCache {
    source: KeySource,
    known: RwLock<Known>,
    /// One fetch at a time.
    fetching: Mutex<()>,
}

impl KeyCache {
    pub(super) fn new(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self {
            source: KeySource::new(url)?,
            known: RwLock::default(),
            fetching: Mutex::default(),
        })
    }

    /// The key of an id.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<Key>, NoKey> {
        if let Some(found) = self.look(id) {
            return found;
        }
        let _one_at_a_time = self.fetching.lock().await;
        // somebody else may have fetched meanwhile
        if let Some(found) = self.look(id) {
            return found;
        }
        let fetched = self.source.fetch().await;
        if let Err(reason) = &fetched {
            tracing::warn!(reason, "the keys of OIDC tokens cannot be fetched");
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried(fetched.ok(), Instant::now());
        drop(known);
        self.look(id).unwrap_or(Err(NoKey::Unavailable))
    }

    fn look(&self, id: &str) -> Option<Result<Arc<Key>, NoKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.look(id, Instant::now())
    }
}

/// What was fetched, and when to fetch again.
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    /// The keys are as published until then.
    fresh_until: Option<Instant>,
    /// No fetch before that.
    next_fetch: Option<Instant>,
}

impl Known {
    /// The answer for an id, nothing when a fetch is needed to know it.
    fn look(&self, id: &str, now: Instant) -> Option<Result<Arc<Key>, NoKey>> {
        let key = self.keys.get(id);
        let is_within = |extra: Duration| self.fresh_until.is_some_and(|until| now < until + extra);
        if let Some(key) = key
            && is_within(Duration::ZERO)
        {
            return Some(Ok(key.clone()));
        }
        if self.next_fetch.is_none_or(|next| now >= next) {
            return None;
        }
        Some(match key {
            _ if !is_within(STALE) => Err(NoKey::Unavailable),
            Some(key) => Ok(key.clone()),
            None if is_within(Duration::ZERO) => Err(NoKey::Unknown),
            // it may be one that was published since
            None => Err(NoKey::Unavailable),
        })
    }

    fn tried(&mut self, fetched: Option<Fetched>, now: Instant) {
        match fetched {
            Some(Fetched { keys, lifetime }) => {
                self.keys = keys;
                self.fresh_until = Some(now + lifetime);
                self.next_fetch = Some(now + PAUSE);
            }
            None => self.next_fetch = Some(now + PAUSE_AFTER_FAILURE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fetched, Key, Known, NoKey};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fetched(ids: &[&str]) -> Fetched {
        let key = |id: &&str| {
            let (n, e) = (vec![1], vec![1]);
            ((*id).to_owned(), Arc::new(Key { n, e }))
        };
        Fetched {
            keys: ids.iter().map(key).collect(),
            lifetime: seconds(600),
        }
    }

    /// `found`, `unknown`, `unavailable` or `fetch`.
    fn look(known: &Known, id: &str, now: Instant) -> &'static str {
        match known.look(id, now) {
            None => "fetch",
            Some(Ok(_)) => "found",
            Some(Err(NoKey::Unknown)) => "unknown",
            Some(Err(NoKey::Unavailable)) => "unavailable",
        }
    }

    #[test]
    fn keys_are_fetched_when_needed_and_not_more_often() {
        let start = Instant::now();
        let mut known = Known::default();
        assert_eq!(look(&known, "a", start), "fetch");
        known.tried(Some(fetched(&["a"])), start);
        for (id, after, expected) in [
            ("a", 0, "found"),
            ("a", 599, "found"),
            ("a", 601, "fetch"),
            ("b", 0, "unknown"),
            ("b", 59, "unknown"),
            ("b", 61, "fetch"),
        ] {
            let answer = look(&known, id, start + seconds(after));
            assert_eq!(answer, expected, "{id} after {after} s");
        }
    }

    #[test]
    fn a_rotation_brings_the_new_key_and_takes_the_old_one() {
        let start = Instant::now();
        let mut known = Known::default();
        known.tried(Some(fetched(&["a"])), start);
        known.tried(Some(fetched(&["b"])), start + seconds(100));
        assert_eq!(look(&known, "b", start + seconds(100)), "found");
        assert_eq!(look(&known, "a", start + seconds(100)), "unknown");
    }

    #[test]
    fn known_keys_outlive_an_outage_of_their_server_by_a_day() {
        let start = Instant::now();
        let mut known = Known::default();
        known.tried(None, start);
        assert_eq!(look(&known, "a", start), "unavailable");
        assert_eq!(look(&known, "a", start + seconds(6)), "fetch");
        known.tried(Some(fetched(&["a"])), start);
        for (after, kept, other) in [
            (700, "found", "unavailable"),
            (600 + 86_399, "found", "unavailable"),
            (600 + 86_401, "unavailable", "unavailable"),
        ] {
            let now = start + seconds(after);
            known.tried(None, now);
            assert_eq!(look(&known, "a", now), kept, "{after}");
            assert_eq!(look(&known, "b", now), other, "{after}");
        }
    }
}
