//! ABORTED, consolidation: everything is as before the job.

use super::cancel::remove_markers;
use super::running::{Running, Stop};
use crate::App;
use crate::job::failure;
use crate::job::outbox::Posted;
use database::lock::{self, LockFlag};
use database::{container, dataset, job_log, task};
use domain::job::{
    ActionEnd, EntryAction, LogEntry, Message, Severity, Task, TaskState, parse_message,
};
use domain::{DatasetStatus, TaskId, Uri};
use futures::{StreamExt, stream};
use storage::StorageExt;

/// Files deleted at the same time.
const PARALLEL: usize = 20;

/// Removes the new datasets, containers and files, then the tasks and the locks.
pub(super) async fn roll_back_consolidation(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    let tasks = task::list(step.conn(), id, &TaskState::ALL).await?;
    let containers = dataset::delete_of_job(step.conn(), id, DatasetStatus::Inactive).await?;
    let mut files = container::delete_empty(step.conn(), &containers).await?;
    step.commit().await?;

    let (absent, present) = written_files(running, &tasks).await?;
    files.extend(absent);
    let mut entries: Vec<LogEntry> = present
        .iter()
        .map(|uri| running.entry(Severity::Warn, format!("{uri} is indexed: it stays")))
        .collect();
    entries.extend(
        delete(&running.app, &files)
            .await
            .into_iter()
            .map(|text| running.entry(Severity::Warn, text)),
    );
    remove_markers(&running.app, id, &tasks).await;

    let mut step = running.begin().await?;
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    task::delete(step.conn(), &ids).await?;
    for flag in [LockFlag::New, LockFlag::ToDelete, LockFlag::Initial] {
        lock::release(step.conn(), id, Some(flag)).await?;
    }
    job_log::append(step.conn(), id, &entries).await?;
    step.recount().await?;
    running
        .end(
            EntryAction::RollBackConsolidation,
            step,
            ActionEnd::Complete,
        )
        .await
}

/// Files that the workers may have written: those that the catalogue does not know, and the others.
async fn written_files(running: &Running, tasks: &[Task]) -> Result<(Vec<Uri>, Vec<Uri>), Stop> {
    let target = |task: &Task| match parse_message(&task.payload) {
        Ok(Message::Order(order)) => Some(order.container.uri),
        Ok(Message::Job(_) | Message::Task(_)) | Err(_) => None,
    };
    let targets: Vec<Uri> = tasks
        .iter()
        .filter(|task| task.state != TaskState::New)
        .filter_map(target)
        .collect();
    let mut connection = running.app.database().read().await?;
    let mut absent = Vec::new();
    let mut present = Vec::new();
    for uri in targets {
        match container::get(&mut connection, std::slice::from_ref(&uri)).await {
            Ok(_) => present.push(uri),
            Err(database::Error::Domain(domain::Error::NotFound { .. })) => absent.push(uri),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((absent, present))
}

/// Deletes files; the texts of those that could not be.
async fn delete(app: &App, files: &[Uri]) -> Vec<String> {
    let deletions: Vec<_> = files
        .iter()
        .map(|uri| app.storage().delete_if_exists(uri))
        .collect();
    let results: Vec<_> = stream::iter(deletions)
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    results
        .into_iter()
        .filter_map(Result::err)
        .map(|error| failure::text(&error))
        .collect()
}
