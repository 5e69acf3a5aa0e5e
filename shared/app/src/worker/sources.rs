//! The sources: whether they may be read, and local copies of them.

use super::Worker;
use super::run::Failed;
use super::stop::StopFlag;
use crate::job::failure;
use domain::Uri;
use domain::job::ConsolidationOrder;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use storage::StorageExt;

/// Files copied at the same time.
const PARALLEL: usize = 10;

/// Where the sources that were copied are now.
pub(super) type Copies = HashMap<Uri, Uri>;

/// Refuses an order that names a source which may not be read.
pub(super) async fn check(worker: &Worker, order: &ConsolidationOrder) -> Result<(), Failed> {
    let (files, order) = (worker.options().files.clone(), order.clone());
    match tokio::task::spawn_blocking(move || files.check_sources(&order)).await {
        Ok(checked) => checked.map_err(|refused| Failed::ForGood(failure::text(&refused))),
        Err(panic) => Err(Failed::ForNow(format!("the check of the sources: {panic}"))),
    }
}

/// Copies the sources of an order that are in an object store, each once, as far as the budget
/// goes; the others are read where they are.
pub(super) async fn copy(
    worker: &Worker,
    order: &ConsolidationOrder,
    folder: &Path,
    stop: &StopFlag,
) -> Result<Copies, Failed> {
    let remote: BTreeSet<&Uri> = order
        .records
        .iter()
        .flat_map(|record| &record.datasets)
        .map(|dataset| &dataset.source.uri)
        .filter(|uri| uri.is_remote())
        .collect();
    let chosen = within_budget(worker, remote).await?;
    let copies: Vec<_> = chosen
        .into_iter()
        .zip(0..)
        .map(|(uri, number)| copy_one(worker, uri, folder.join(format!("source-{number}")), stop))
        .collect();
    stream::iter(copies)
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await
}

async fn copy_one(
    worker: &Worker,
    uri: &Uri,
    path: PathBuf,
    stop: &StopFlag,
) -> Result<(Uri, Uri), Failed> {
    if stop.is_set() {
        return Err(Failed::Stopped);
    }
    let copied = worker.parts.storage.download_to_file(uri, &path).await;
    copied.map_err(|error| Failed::storage(&error))?;
    let local =
        Uri::parse(path.to_string_lossy()).map_err(|error| Failed::ForGood(error.to_string()))?;
    Ok((uri.clone(), local))
}

async fn within_budget<'a>(
    worker: &Worker,
    remote: BTreeSet<&'a Uri>,
) -> Result<Vec<&'a Uri>, Failed> {
    let Some(mut budget) = worker.options().local_copies_bytes else {
        return Ok(remote.into_iter().collect());
    };
    let mut chosen = Vec::new();
    if budget == 0 {
        return Ok(chosen);
    }
    for uri in remote {
        let attributes = worker.parts.storage.head(uri).await;
        let size = attributes.map_err(|error| Failed::storage(&error))?.size;
        if let Some(rest) = budget.checked_sub(size) {
            budget = rest;
            chosen.push(uri);
        }
    }
    Ok(chosen)
}
