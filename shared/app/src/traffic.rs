//! What the operations of this process read, for its log.

use std::sync::{Mutex, MutexGuard, PoisonError};
use storage::ReadCounts;

/// The requests of this process to read, where its flags ask for them to be counted.
static COUNTS: Mutex<Option<ReadCounts>> = Mutex::new(None);

/// Logs the reads of files at its end, as far as they are counted.
pub(crate) struct Traffic(&'static str);

/// The reads during an operation. Those of operations at the same time are not told apart.
pub(crate) fn of(operation: &'static str) -> Traffic {
    Traffic(operation)
}

/// From now on operations log what is counted here.
#[cfg(feature = "object-stores")]
pub(crate) fn log(counts: &ReadCounts) {
    *lock() = Some(counts.clone());
}

impl Drop for Traffic {
    fn drop(&mut self) {
        let counts = lock().clone();
        for (uri, count) in counts.map(|counts| counts.take()).into_iter().flatten() {
            tracing::info!(operation = self.0, %uri, requests = count.calls + count.heads, bytes = count.bytes, "read");
        }
    }
}

fn lock() -> MutexGuard<'static, Option<ReadCounts>> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}
