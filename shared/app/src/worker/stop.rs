//! Why a run has to stop.

use super::run::Failed;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio_util::sync::CancellationToken;

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
    /// The marker of a cancelled task is there, although its job is not cancelled.
    Marked = 5,
}

/// Tells threads and futures to stop. The first cause counts.
#[derive(Clone, Debug, Default)]
pub(super) struct StopFlag {
    value: Arc<AtomicU8>,
    told: CancellationToken,
}

impl StopFlag {
    pub(super) fn set(&self, cause: Cause) {
        // a cause that is set stays
        let _former =
            self.value
                .compare_exchange(0, cause as u8, Ordering::Relaxed, Ordering::Relaxed);
        self.told.cancel();
    }

    pub(super) fn is_set(&self) -> bool {
        self.value.load(Ordering::Relaxed) != 0
    }

    /// What some work comes to, which is dropped as soon as the flag is set.
    pub(super) async fn unless_set<T>(&self, work: impl Future<Output = T>) -> Result<T, Failed> {
        let done = self.told.run_until_cancelled(work).await;
        done.ok_or(Failed::Stopped)
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        let value = self.value.load(Ordering::Relaxed);
        [
            Cause::Cancelled,
            Cause::LeaseLost,
            Cause::ShutDown,
            Cause::Overtime,
            Cause::Marked,
        ]
        .into_iter()
        .find(|cause| *cause as u8 == value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Failed, StopFlag};

    #[test]
    fn the_first_cause_counts() {
        let flag = StopFlag::default();
        assert!(!flag.is_set() && flag.cause().is_none());
        flag.clone().set(Cause::Overtime);
        flag.set(Cause::Cancelled);
        assert_eq!(flag.cause(), Some(Cause::Overtime));
    }

    #[tokio::test]
    async fn work_ends_with_the_flag() {
        let flag = StopFlag::default();
        assert!(matches!(flag.unless_set(async { 1 }).await, Ok(1)));
        let endless = std::future::pending::<()>();
        let setting = async { flag.set(Cause::ShutDown) };
        let (ended, ()) = tokio::join!(flag.unless_set(endless), setting);
        assert!(matches!(ended, Err(Failed::Stopped)));
    }
}
