//! Deletion: datasets are hidden, then removed, or shown again.

use super::delete_files::delete_unfinished;
use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use database::lock::{self, LockFlag};
use database::{container, dataset, job_log, task};
use domain::job::{ActionEnd, EntryAction, Severity, Task};
use domain::{DatasetStatus, Scheme, TaskId, Uri};

/// CREATED: hides the datasets from readers.
pub(super) async fn hide_datasets(running: &Running) -> Result<Posted, Stop> {
    let mut step = running.begin().await?;
    dataset::set_status(
        step.conn(),
        running.job.id,
        DatasetStatus::Active,
        DatasetStatus::ToDelete,
    )
    .await?;
    running
        .end(EntryAction::HideDatasets, step, ActionEnd::Complete)
        .await
}

/// DELETIONINPROGRESS: removes the datasets, and the containers that hold nothing any more. Those
/// whose file is ours get a task that deletes it, but for what is no file of a store that is served.
pub(super) async fn remove_datasets(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    let containers = dataset::delete_of_job(step.conn(), id, DatasetStatus::ToDelete).await?;
    let files = container::delete_empty(step.conn(), &containers).await?;
    let (files, unserved): (Vec<Uri>, Vec<Uri>) = files
        .into_iter()
        .partition(|file| file.scheme() != Scheme::Other);
    let delete = |file: Uri| Task::new(TaskId::new(), id, String::from(file).into_bytes());
    let tasks: Vec<Task> = files.into_iter().map(delete).collect();
    task::insert(step.conn(), &tasks).await?;
    let stays = unserved
        .iter()
        .map(|file| running.entry(Severity::Warn, format!("{file} is not served: it stays")));
    job_log::append(step.conn(), id, &stays.collect::<Vec<_>>()).await?;
    step.recount().await?;
    running
        .end(EntryAction::RemoveDatasets, step, ActionEnd::Complete)
        .await
}

/// ABORTED: shows the datasets again that still exist, and releases them. Files whose datasets are removed already are
/// deleted, as nothing else would ever find them.
pub(super) async fn roll_back_deletion(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    delete_unfinished(running).await?;
    let mut step = running.begin().await?;
    dataset::set_status(
        step.conn(),
        id,
        DatasetStatus::ToDelete,
        DatasetStatus::Active,
    )
    .await?;
    lock::release(step.conn(), id, Some(LockFlag::ToDelete)).await?;
    running
        .end(EntryAction::RollBackDeletion, step, ActionEnd::Complete)
        .await
}
