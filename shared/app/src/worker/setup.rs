//! A worker as flags ask for it, the same in every program that has one.

mod error;
mod files;
mod parts;

pub use error::StartError;
pub use files::unguarded;
pub use parts::{Parts, Queue};

use super::WorkerOptions;
use domain::Uri;
use runtime::config::{DEFAULT_CONSOLIDATIONS_QUEUE, GdalFlags, Messaging, WorkerFlags};
use std::time::Duration;

/// How long an order belongs to a worker that is not heard of. A worker whose queue is embedded is
/// missed sooner: nobody else can be told to wait.
const LEASE: Duration = Duration::from_mins(2);
const EMBEDDED_LEASE: Duration = Duration::from_secs(30);

/// How orders come to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// By requests, whose time is bounded.
    Pushed,
    /// By its own asking: an order may take as long as it takes.
    Pulled,
}

/// The settings that the flags ask for.
///
/// # Errors
/// When a URI among them cannot be read; the flag is named.
pub fn options(flags: &WorkerFlags, delivery: Delivery) -> Result<WorkerOptions, StartError> {
    let (lease, events_queue, orders_queue) = match flags.messaging()? {
        Messaging::Embedded {
            url: _,
            events,
            consolidations,
        } => (EMBEDDED_LEASE, events, consolidations),
        Messaging::PubSub {
            project: _,
            events,
            consolidations,
        } => {
            let orders = consolidations.unwrap_or_else(|| DEFAULT_CONSOLIDATIONS_QUEUE.to_owned());
            (LEASE, events, orders)
        }
    };
    Ok(WorkerOptions {
        workdir: flags.workdir.clone(),
        cancelled_jobs: Some(uri("--cancelledJobs", &flags.cancelled_jobs)?),
        retry_count: flags.retry_count,
        parallel_records: flags.parallel_records(),
        local_copies_bytes: flags.local_copies_bytes(),
        zstd_level: flags.zstd_level,
        max_task_duration: flags.max_task_duration(delivery == Delivery::Pulled),
        max_concurrent_tasks: flags.max_concurrent_tasks,
        busy_hold: flags.busy_hold,
        scratch_bytes: flags
            .scratch_max_mb
            .map(|mebibytes| mebibytes.saturating_mul(1 << 20)),
        lease,
        owner: owner(),
        events_queue,
        orders_queue,
        files: files::files(flags)?,
        limits: imaging::Limits::default(),
    })
}

/// Settings of the raster library.
pub fn raster(flags: &GdalFlags) -> imaging::Options {
    imaging::Options {
        threads: flags.num_threads_option(),
        ..Default::default()
    }
}

fn uri(flag: &'static str, text: &str) -> Result<Uri, StartError> {
    Uri::parse(text).map_err(|source| StartError::Flag {
        flag,
        source: source.into(),
    })
}

/// Host and process, for whoever looks at a lease.
fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

#[cfg(test)]
mod tests;
