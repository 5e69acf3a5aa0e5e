//! ABORTED, consolidation: everything is as before the job.

use super::cancel::remove_markers;
use super::running::{Running, Stop};
use crate::failpoint::failpoint;
use crate::job::failure;
use crate::job::outbox::Posted;
use crate::job::unknown_files::{Fate, delete_unknown};
use database::lock::{self, LockFlag};
use database::{container, dataset, job_log, task};
use domain::job::{
    ActionEnd, EntryAction, LogEntry, Message, Severity, Task, TaskState, parse_message,
};
use domain::{DatasetStatus, TaskId, Uri};

/// Removes the new datasets, containers and files, then the tasks and the locks.
pub(super) async fn roll_back_consolidation(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    let tasks = task::list(step.conn(), id, &TaskState::ALL).await?;
    let containers = dataset::delete_of_job(step.conn(), id, DatasetStatus::Inactive).await?;
    let mut files = container::delete_empty(step.conn(), &containers).await?;
    step.commit().await?;

    files.extend(written_files(&tasks));
    failpoint!("rollback.delete.before");
    let fates = delete_unknown(&running.app, &files).await?;
    failpoint!("rollback.delete.after");
    let left = files
        .iter()
        .zip(&fates)
        .filter_map(|(uri, fate)| match fate {
            Fate::Gone => None,
            Fate::Known => Some(format!("{uri} is indexed: it stays")),
            Fate::Failed(error) => Some(failure::text(error)),
        });
    let entries: Vec<LogEntry> = left
        .map(|text| running.entry(Severity::Warn, text))
        .collect();
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

/// Files that the workers may have written.
fn written_files(tasks: &[Task]) -> impl Iterator<Item = Uri> {
    let target = |task: &Task| match parse_message(&task.payload) {
        Ok(Message::Order(order)) => Some(order.container.uri),
        Ok(Message::Job(_) | Message::Task(_)) | Err(_) => None,
    };
    tasks
        .iter()
        .filter(|task| task.state != TaskState::New)
        .filter_map(target)
}
