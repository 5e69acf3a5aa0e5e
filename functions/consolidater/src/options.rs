//! From flags to the settings of the worker.

use crate::config::Config;
use anyhow::Context;
use app::PathPolicy;
use app::worker::{OrderFiles, WorkerOptions};
use domain::Uri;
use runtime::config::{DEFAULT_CONSOLIDATIONS_QUEUE, Messaging};
use std::time::Duration;

/// How long an order belongs to a worker that is not heard of. A worker whose queue is embedded is
/// missed sooner: nobody else can be told to wait.
const LEASE: Duration = Duration::from_mins(2);
const EMBEDDED_LEASE: Duration = Duration::from_secs(30);

/// The settings that the flags ask for.
///
/// # Errors
/// When a URI among them cannot be read; the flag is named.
pub fn options(config: &Config) -> anyhow::Result<WorkerOptions> {
    let (lease, events_queue, orders_queue) = match config.messaging()? {
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
        workdir: config.workdir.clone(),
        cancelled_jobs: Some(cancelled_jobs(config)?),
        retry_count: config.retry_count,
        parallel_records: config.parallel_records(),
        local_copies_bytes: config.local_copies_bytes(),
        zstd_level: config.zstd_level,
        max_task_duration: config.max_task_duration,
        max_concurrent_tasks: config.max_concurrent_tasks,
        busy_hold: config.busy_hold,
        scratch_bytes: config
            .scratch_max_mb
            .map(|mebibytes| mebibytes.saturating_mul(1 << 20)),
        lease,
        owner: owner(),
        events_queue,
        orders_queue,
        files: files(config)?,
        limits: imaging::Limits::default(),
    })
}

pub(crate) fn cancelled_jobs(config: &Config) -> anyhow::Result<Uri> {
    uri("--cancelledJobs", &config.cancelled_jobs)
}

pub(crate) fn ingestion_storage(config: &Config) -> anyhow::Result<Option<Uri>> {
    let given = config.ingestion_storage.as_ref();
    given
        .map(|text| uri("--ingestionStorage", text))
        .transpose()
}

/// What the flags leave open to whoever can send an order, for the log.
pub fn unguarded(config: &Config) -> Option<&'static str> {
    if config.ingestion_storage.is_some() {
        return None;
    }
    Some(if reads_everything(config) && !config.paths.local {
        "an order may read and overwrite any file: give --ingestionStorage and --allowedPaths, or --local, as to the API server"
    } else {
        "an order may overwrite any file: give --ingestionStorage, as to the API server"
    })
}

fn files(config: &Config) -> anyhow::Result<OrderFiles> {
    Ok(OrderFiles {
        target_root: ingestion_storage(config)?,
        sources: sources(config)?,
    })
}

fn sources(config: &Config) -> anyhow::Result<Option<PathPolicy>> {
    if reads_everything(config) {
        return Ok(None);
    }
    let ingestion = config.ingestion_storage.as_deref();
    let files = config.paths.readable_files(ingestion);
    PathPolicy::reading(files, config.paths.subdataset_prefixes())
        .map(Some)
        .context("invalid --allowedPaths")
}

/// Sources are checked once a flag says against what.
fn reads_everything(config: &Config) -> bool {
    let paths = &config.paths;
    paths.local || (config.ingestion_storage.is_none() && paths.allowed_paths.is_none())
}

fn uri(flag: &str, text: &str) -> anyhow::Result<Uri> {
    Uri::parse(text).with_context(|| format!("invalid {flag}"))
}

/// Host and process, for whoever looks at a lease.
fn owner() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

#[cfg(test)]
mod tests;
