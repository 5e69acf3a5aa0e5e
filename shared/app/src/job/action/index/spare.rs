//! Sources of the tasks that wrote nothing.

use super::order_of;
use crate::job::action::running::{Running, Step, Stop};
use database::lock::{self, LockFlag};
use database::{dataset, job_log, task};
use domain::job::{Severity, TaskState};
use domain::{DatasetId, DatasetSource, Uri};
use std::collections::{BTreeSet, HashSet};

/// Releases the datasets that were to go into the files of CANCELLED tasks: such a file does not
/// exist, so nothing replaces them.
pub(super) async fn spare_sources(running: &Running, step: &mut Step) -> Result<(), Stop> {
    let id = running.job.id;
    let (mut cancelled, mut last) = (0, None);
    let mut sources = HashSet::new();
    let mut files = BTreeSet::new();
    loop {
        let tasks = task::list_piece(step.conn(), id, &[TaskState::Cancelled], last).await?;
        let Some(task) = tasks.last() else { break };
        last = Some(task.id);
        cancelled += tasks.len();
        for task in &tasks {
            let records = order_of(task)?.records.into_iter();
            for dataset in records.flat_map(|record| record.datasets) {
                sources.insert(place(&dataset.source));
                files.insert(dataset.source.uri);
            }
        }
    }
    if cancelled == 0 {
        return Ok(());
    }
    let files: Vec<Uri> = files.into_iter().collect();
    let present = dataset::of_containers(step.conn(), &files, u64::MAX, usize::MAX).await?;
    let spared: HashSet<DatasetId> = present
        .into_iter()
        .filter(|dataset| sources.contains(&place(&dataset.source)))
        .map(|dataset| dataset.id)
        .collect();
    let mut replaced = lock::of_job(step.conn(), id, LockFlag::ToDelete).await?;
    replaced.retain(|dataset| !spared.contains(dataset));
    lock::release(step.conn(), id, Some(LockFlag::ToDelete)).await?;
    lock::lock(step.conn(), id, &replaced, LockFlag::ToDelete).await?;
    let text = format!(
        "{cancelled} task(s) wrote nothing: {} dataset(s) stay as they are",
        spared.len()
    );
    let entry = running.entry(Severity::Warn, text);
    Ok(job_log::append(step.conn(), id, &[entry]).await?)
}

/// What distinguishes the datasets of the catalogue: file, directory and bands.
fn place(source: &DatasetSource) -> (Uri, String, String) {
    (
        source.uri.clone(),
        source.subdir.clone(),
        source.bands.to_string(),
    )
}
