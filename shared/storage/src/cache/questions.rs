//! Questions under way, so that all who wait for one answer share its failure.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use crate::Error;

/// Those who wait for the same, and the failure of the one who asks. Nothing is kept when nobody waits.
#[derive(Debug)]
pub(super) struct Questions<K>(Mutex<HashMap<K, Failure>>);

type Failure = Arc<OnceLock<Arc<Error>>>;

/// One who waits, or asks.
#[derive(Debug)]
pub(super) struct Waiting<'a, K: Eq + Hash> {
    questions: &'a Questions<K>,
    key: K,
    failure: Failure,
}

impl<K> Default for Questions<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Questions<K> {
    /// Waits together with those who want the same.
    pub(super) fn join(&self, key: &K) -> Waiting<'_, K> {
        let failure = Arc::clone(self.lock().entry(key.clone()).or_default());
        Waiting {
            questions: self,
            key: key.clone(),
            failure,
        }
    }
}

impl<K> Questions<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Waiting<'_, K> {
    /// Why the question failed that was under way when this began to wait.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.get().map(Error::shared)
    }

    /// Tells a failure to those who wait; who comes later asks again.
    pub(super) fn fail(&self, failure: &Arc<Error>) {
        // one who was told before it asked again keeps what it was told
        _ = self.failure.set(Arc::clone(failure));
        self.forget(&mut self.questions.lock());
    }

    fn forget(&self, questions: &mut HashMap<K, Failure>) {
        let own = questions.get(&self.key);
        if own.is_some_and(|own| Arc::ptr_eq(own, &self.failure)) {
            questions.remove(&self.key);
        }
    }
}

impl<K: Eq + Hash> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        let mut questions = self.questions.lock();
        // this one, and the map
        if Arc::strong_count(&self.failure) <= 2 {
            self.forget(&mut questions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Uri;

    #[test]
    fn a_failure_is_told_to_those_who_wait_and_nothing_is_kept() {
        let questions = Questions::default();
        let (first, second, other) = (questions.join(&1), questions.join(&1), questions.join(&2));
        assert!(second.failure().is_none());
        let uri = Uri::parse("gs://b/a").unwrap();
        first.fail(&Arc::new(Error::NotFound { uri }));
        let later = questions.join(&1);
        assert!(first.failure().is_some_and(|error| error.is_not_found()));
        assert!(second.failure().is_some_and(|error| error.is_not_found()));
        assert!(other.failure().is_none() && later.failure().is_none());
        drop((first, second));
        assert_eq!(questions.lock().len(), 2, "the later one still waits");
        drop((other, later));
        assert_eq!(questions.lock().len(), 0);
    }
}
