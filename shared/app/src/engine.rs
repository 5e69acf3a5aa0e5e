//! The bounds that all requests of a process share: threads that work on pixels, and memory.

use crate::{Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Bytes of one permit of the memory budget.
const PERMIT_BYTES: u64 = 64 * 1024;

/// Largest window of a source that one thread reads at once, in bytes, whatever the budget.
const MAX_WINDOW_BYTES: u64 = 256 << 20;
/// Smallest one: below this, warping in parts costs more than it saves.
const MIN_WINDOW_BYTES: u64 = 8 << 20;

/// Runs pixel work on blocking threads, within the budget of the process.
#[derive(Clone, Debug)]
pub struct Engine {
    threads: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    memory_bytes: u64,
    window_bytes: u64,
}

/// Memory of one image in flight: it is given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    permit: OwnedSemaphorePermit,
}

impl Reservation {
    /// Gives back what is more than `bytes`: an image that waits for its client holds its payload only.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        let spare = self
            .permit
            .num_permits()
            .saturating_sub(permits(bytes) as usize);
        drop(self.permit.split(spare));
    }
}

impl Engine {
    /// An engine of `threads` blocking threads and `memory_bytes` for images in flight.
    pub fn new(threads: usize, memory_bytes: u64) -> Self {
        let threads = threads.max(1);
        let share = memory_bytes / (4 * threads as u64);
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            memory: Arc::new(Semaphore::new(permits(memory_bytes) as usize)),
            memory_bytes,
            window_bytes: share.clamp(MIN_WINDOW_BYTES, MAX_WINDOW_BYTES),
        }
    }

    /// Bounds of one merge: the image fits the budget, windows of sources their share of it.
    pub(crate) fn merge_limits(&self) -> imaging::Limits {
        imaging::Limits {
            image_bytes: self.memory_bytes,
            window_bytes: self.window_bytes,
        }
    }

    /// Refuses an image that can never be built: larger than the whole budget.
    ///
    /// # Errors
    /// [`domain::Error::LimitExceeded`] that names the bound and its value.
    pub(crate) fn check_image(&self, bytes: u64) -> domain::Result<()> {
        crate::Limits::check(
            "bytes for one image (memoryBudget)",
            bytes,
            self.memory_bytes,
        )
    }

    /// Waits until an image of `bytes`, and the windows of sources that it is made from, fit into
    /// the budget. What is larger than the whole budget waits until it is alone.
    pub async fn reserve(&self, bytes: u64) -> Result<Reservation> {
        // a source as fine as the image needs about as much again, a finer one up to the bound
        let windows = bytes.min(3 * self.window_bytes);
        let permits = permits(bytes.saturating_add(windows).min(self.memory_bytes));
        let permit = Arc::clone(&self.memory).acquire_many_owned(permits).await;
        let permit = permit.map_err(|_| Error::Cancelled("the service stops".to_owned()))?;
        Ok(Reservation { permit })
    }

    /// Runs `work` on a blocking thread. `work` gets a function that tells whether nobody waits for
    /// it any more: it is true from the moment the returned future is dropped.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Fn() -> bool) -> Result<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let permit = permit.map_err(|_| Error::Cancelled("the service stops".to_owned()))?;
        let abandoned = CancellationToken::new();
        let guard = abandoned.clone().drop_guard();
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            // nor does it wait for a store then
            let work = || imaging::abandonable(&abandoned, || work(&|| abandoned.is_cancelled()));
            span.in_scope(work)
        });
        let result = done
            .await
            .map_err(|panic| Error::internal("work on pixels", panic))?;
        guard.disarm();
        result
    }
}

fn permits(bytes: u64) -> u32 {
    bytes
        .div_ceil(PERMIT_BYTES)
        .clamp(1, u64::from(u32::MAX >> 4)) as u32
}

#[cfg(test)]
mod tests {
    use super::{Engine, PERMIT_BYTES};
    use std::sync::mpsc;
    use std::time::Duration;

    #[tokio::test]
    async fn a_large_image_waits_until_it_is_alone() {
        let engine = Engine::new(1, 4 * PERMIT_BYTES);
        let first = engine.reserve(1).await.unwrap();
        let large = engine.reserve(100 * PERMIT_BYTES);
        tokio::pin!(large);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), &mut large)
                .await
                .is_err()
        );
        drop(first);
        large.await.unwrap();
    }

    #[tokio::test]
    async fn an_image_that_is_built_leaves_room_for_others() {
        let engine = Engine::new(1, 8 * PERMIT_BYTES);
        let mut built = engine.reserve(4 * PERMIT_BYTES).await.unwrap();
        let other = engine.reserve(2 * PERMIT_BYTES);
        tokio::pin!(other);
        let wait = Duration::from_millis(20);
        assert!(tokio::time::timeout(wait, &mut other).await.is_err());
        built.shrink(2 * PERMIT_BYTES);
        other.await.unwrap();
    }

    #[tokio::test]
    async fn abandoned_work_is_told_so() {
        let engine = Engine::new(1, 1);
        let (told, heard) = mpsc::channel();
        let work = engine.run(move |abandoned| {
            while !abandoned() {
                std::thread::sleep(Duration::from_millis(1));
            }
            told.send(()).ok();
            Ok(())
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(20), work)
                .await
                .is_err()
        );
        let heard = tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(5)));
        assert!(heard.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_panic_in_the_work_is_an_error_of_that_call_only() {
        let engine = Engine::new(1, 1);
        let failed: crate::Result<()> = engine.run(|_| panic!("broken pixel")).await;
        assert!(matches!(failed, Err(crate::Error::Internal { .. })));
        assert_eq!(engine.run(|_| Ok(1)).await.unwrap(), 1);
    }
}
