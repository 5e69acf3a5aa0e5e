//! Why a run has to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a run has to stop before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Cause {
    /// The user cancelled the job.
    Cancelled = 1,
    /// Somebody else has the lease, or the database was away for too long.
    LeaseLost = 2,
    /// The worker stops.
    ShutDown = 3,
    /// It takes too long.
    Overtime = 4,
}

/// Tells threads to stop. The first cause counts.
#[derive(Clone, Debug, Default)]
pub(super) struct StopFlag(Arc<AtomicU8>);

impl StopFlag {
    pub(super) fn set(&self, cause: Cause) {
        // a cause that is set stays
        let _former = self
            .0
            .compare_exchange(0, cause as u8, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        let value = self.0.load(Ordering::Relaxed);
        [
            Cause::Cancelled,
            Cause::LeaseLost,
            Cause::ShutDown,
            Cause::Overtime,
        ]
        .into_iter()
        .find(|cause| *cause as u8 == value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, StopFlag};

    #[test]
    fn the_first_cause_counts() {
        let flag = StopFlag::default();
        assert!(!flag.is_set() && flag.cause().is_none());
        flag.clone().set(Cause::Overtime);
        flag.set(Cause::Cancelled);
        assert_eq!(flag.cause(), Some(Cause::Overtime));
    }
}
