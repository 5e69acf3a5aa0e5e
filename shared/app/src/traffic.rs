//! What the operations of this process read, for its log.

use std::sync::{Mutex, MutexGuard, PoisonError};
use storage::{CacheUse, Cached, ReadCounts};

/// The requests of this process to read, where its flags ask for them to be counted.
static COUNTS: Mutex<Option<ReadCounts>> = Mutex::new(None);
/// The blocks of its remote images, where its flags ask for them to be counted.
static BLOCKS: Mutex<Option<Cached>> = Mutex::new(None);

/// Logs the reads of files, and what the blocks in memory were good for, at its end, as far as they are counted.
pub(crate) struct Traffic(&'static str);

/// The reads during an operation. Those of operations at the same time are not told apart.
pub(crate) fn of(operation: &'static str) -> Traffic {
    Traffic(operation)
}

/// From now on operations log what is counted here.
#[cfg(feature = "object-stores")]
pub(crate) fn log(counts: &ReadCounts) {
    *lock(&COUNTS) = Some(counts.clone());
}

/// From now on operations log of how much use these blocks are.
#[cfg(feature = "object-stores")]
pub(crate) fn log_blocks(cached: &Cached) {
    *lock(&BLOCKS) = Some(cached.clone());
}

impl Drop for Traffic {
    fn drop(&mut self) {
        let counts = lock(&COUNTS).clone();
        for (uri, count) in counts.map(|counts| counts.take()).into_iter().flatten() {
            tracing::info!(operation = self.0, %uri, requests = count.calls + count.heads, bytes = count.bytes, "read");
        }
        if let Some(blocks) = lock(&BLOCKS).clone() {
            self.tell_use(&blocks);
        }
    }
}

impl Traffic {
    fn tell_use(&self, blocks: &Cached) {
        let (operation, bytes) = (self.0, blocks.held_bytes());
        let CacheUse {
            hits,
            misses,
            evicted,
        } = blocks.take_use();
        if hits + misses > 0 {
            tracing::info!(
                operation,
                hits,
                misses,
                evicted,
                bytes,
                "blocks of remote files"
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
