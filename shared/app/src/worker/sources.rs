//! The sources: whether they may be read, and local copies of them.

use super::Worker;
use super::run::Failed;
use super::stop::StopFlag;
use crate::job::failure;
use domain::Uri;
use domain::job::ConsolidationOrder;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
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

/// Sources of an order to copy, with their sizes in bytes.
#[derive(Debug, Default)]
pub(super) struct Chosen(Vec<(Uri, u64)>);

impl Chosen {
    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.0.iter().map(|(_, size)| size);
        sizes.fold(0, |sum, size| sum.saturating_add(*size))
    }
}

/// Chooses the sources of an order that are in an object store, each once, as far as the budget goes; the others are to be
/// read where they are.
pub(super) async fn choose(
    worker: &Worker,
    order: &ConsolidationOrder,
    stop: &StopFlag,
) -> Result<Chosen, Failed> {
    let mut budget = worker.options().local_copies_bytes.unwrap_or(u64::MAX);
    if budget == 0 {
        return Ok(Chosen::default());
    }
    let remote: BTreeSet<&Uri> = order
        .records
        .iter()
        .flat_map(|record| &record.datasets)
        .map(|dataset| &dataset.source.uri)
        .filter(|uri| uri.is_remote())
        .collect();
    let heads: Vec<_> = remote
        .into_iter()
        .map(|uri| size(worker, uri).boxed())
        .collect();
    let sizes = stream::iter(heads).buffered(PARALLEL).try_collect();
    let sizes: Vec<(Uri, u64)> = stop.unless_set(sizes).await??;
    let mut chosen = Vec::new();
    for (uri, size) in sizes {
        if let Some(rest) = budget.checked_sub(size) {
            budget = rest;
            chosen.push((uri, size));
        }
    }
    Ok(Chosen(chosen))
}

async fn size(worker: &Worker, uri: &Uri) -> Result<(Uri, u64), Failed> {
    let head = worker.parts.storage.head(uri).await;
    let size = head.map_err(|error| Failed::storage(&error))?.size;
    Ok((uri.clone(), size))
}

/// Copies the chosen sources.
pub(super) async fn copy(
    worker: &Worker,
    chosen: Chosen,
    folder: &Path,
    stop: &StopFlag,
) -> Result<Copies, Failed> {
    let copies: Vec<_> = chosen
        .0
        .into_iter()
        .zip(0..)
        .map(|((uri, _), number)| {
            copy_one(worker, uri, folder.join(format!("source-{number}"))).boxed()
        })
        .collect();
    let copied = stream::iter(copies)
        .buffer_unordered(PARALLEL)
        .try_collect();
    stop.unless_set(copied).await?
}

async fn copy_one(worker: &Worker, uri: Uri, path: PathBuf) -> Result<(Uri, Uri), Failed> {
    let copied = worker.parts.storage.download_to_file(&uri, &path).await;
    copied.map_err(|error| Failed::storage(&error))?;
    let local =
        Uri::parse(path.to_string_lossy()).map_err(|error| Failed::ForGood(error.to_string()))?;
    Ok((uri, local))
}
