//! Since when orders are in work.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The orders in work.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<Started>>);

#[derive(Debug, Default)]
struct Started {
    last: u64,
    /// Beginnings, with numbers that tell equal ones apart.
    since: BTreeSet<(Instant, u64)>,
}

/// An order in work, until it is dropped.
#[derive(Debug)]
pub(super) struct InWork {
    running: Running,
    entry: (Instant, u64),
}

impl Running {
    pub(super) fn begin(&self) -> InWork {
        let mut started = self.lock();
        started.last += 1;
        let entry = (Instant::now(), started.last);
        started.since.insert(entry);
        drop(started);
        InWork {
            running: self.clone(),
            entry,
        }
    }

    /// Age of the oldest one.
    pub(super) fn oldest(&self) -> Option<Duration> {
        let (since, _) = *self.lock().since.first()?;
        Some(since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Started> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.running.lock().since.remove(&self.entry);
    }
}

#[cfg(test)]
mod tests {
    use super::Running;
    use std::time::Duration;

    #[test]
    fn the_oldest_order_in_work_counts() {
        let running = Running::default();
        assert_eq!(running.oldest(), None);
        let first = running.begin();
        std::thread::sleep(Duration::from_millis(20));
        let second = running.begin();
        assert!(running.oldest().unwrap() >= Duration::from_millis(20));
        drop(first);
        assert!(running.oldest().unwrap() < Duration::from_millis(20));
        drop(second);
        assert_eq!(running.oldest(), None);
    }
}
