//! The worker: carries out orders of consolidation, each of which becomes one file.
//!
//! A worker holds the lease of a task while it writes, tells the database that it is alive, and
//! publishes the result as an event. It may be killed at any moment: its lease runs out, and the
//! next delivery of the order starts anew.

mod estimate;
mod files;
mod heart;
mod outcome;
mod process;
mod produce;
mod push;
mod run;
mod running;
#[cfg(feature = "programs")]
pub mod setup;
mod sources;
mod stop;

pub use files::OrderFiles;
pub use outcome::Outcome;

use crate::{Error, Result};
use database::Database;
use domain::Uri;
use messaging::Publisher;
use running::Running;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage::Storage;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Settings of a worker.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Folder of scratch files; emptied at the start.
    pub workdir: PathBuf,
    /// Folder of the markers of cancelled tasks.
    pub cancelled_jobs: Option<Uri>,
    /// Runs of an order after its first one.
    pub retry_count: u32,
    /// Records of an order processed in parallel.
    pub parallel_records: usize,
    /// Budget, in bytes, of local copies of sources; `None` without limit.
    pub local_copies_bytes: Option<u64>,
    /// Level of zstd of the lossless preset, 1 to 22.
    pub zstd_level: u8,
    /// Longest time of one order; `None` without limit.
    pub max_task_duration: Option<Duration>,
    /// Orders carried out at the same time.
    pub max_concurrent_tasks: usize,
    /// How long an order that runs elsewhere, or has no free place here, may wait for its end.
    pub busy_hold: Duration,
    /// Scratch space in bytes; `None` for nine tenths of what is free when an order starts.
    pub scratch_bytes: Option<u64>,
    /// How long an order belongs to a worker that is not heard of.
    pub lease: Duration,
    /// Name of this worker in leases, for diagnosis.
    pub owner: String,
    /// Queue or topic of the results.
    pub events_queue: String,
    /// Queue or topic that the orders come from.
    pub orders_queue: String,
    /// Files that orders may name.
    pub files: OrderFiles,
    /// Bounds on memory of the raster work, for each record in work.
    pub limits: imaging::Limits,
}

/// Carries out orders. Cheap to clone; all clones share the same parts.
#[derive(Clone, Debug)]
pub struct Worker {
    parts: Arc<Parts>,
    /// Shorter than the longest time of an order, where less is left.
    time_left: Option<Duration>,
}

#[derive(Debug)]
struct Parts {
    database: Database,
    storage: Arc<dyn Storage>,
    publisher: Arc<dyn Publisher>,
    options: WorkerOptions,
    places: Arc<Semaphore>,
    running: Running,
    /// Cancelled when the worker stops.
    stopping: CancellationToken,
}

impl Worker {
    /// A worker with an empty folder of scratch files.
    ///
    /// # Errors
    /// When the folder cannot be made or emptied.
    pub fn start(
        database: Database,
        storage: Arc<dyn Storage>,
        publisher: Arc<dyn Publisher>,
        options: WorkerOptions,
    ) -> Result<Self> {
        empty(&options.workdir).map_err(|error| {
            Error::internal(format!("emptying {}", options.workdir.display()), error)
        })?;
        let places = Arc::new(Semaphore::new(options.max_concurrent_tasks.max(1)));
        let stopping = CancellationToken::new();
        Ok(Self {
            parts: Arc::new(Parts {
                database,
                storage,
                publisher,
                options,
                places,
                running: Running::default(),
                stopping,
            }),
            time_left: None,
        })
    }

    /// The same worker, for orders that are to end within this time.
    #[must_use]
    pub fn within(&self, time_left: Duration) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            time_left: Some(time_left),
        }
    }

    /// Longest time of one order, if there is one.
    fn longest(&self) -> Option<Duration> {
        let bounds = [self.time_left, self.parts.options.max_task_duration];
        bounds.into_iter().flatten().min()
    }

    /// Stops the orders in work, gives their leases back, and waits for that. Orders that come
    /// later are to be delivered again.
    pub async fn shut_down(&self) {
        self.parts.stopping.cancel();
        let all = self.parts.options.max_concurrent_tasks.max(1) as u32;
        // an order holds its place until its lease is given back
        let _all_places = self.parts.places.acquire_many(all).await;
    }

    /// Settings of the worker.
    pub fn options(&self) -> &WorkerOptions {
        &self.parts.options
    }

    /// For how long the oldest order in work has been so; nothing when there is none.
    pub fn age_of_work(&self) -> Option<Duration> {
        self.parts.running.oldest()
    }

    /// Whether an order is in work.
    pub fn is_busy(&self) -> bool {
        self.parts.places.available_permits() < self.parts.options.max_concurrent_tasks.max(1)
    }
}

/// Leaves the folder itself: it may be the root of a mounted volume.
fn empty(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
