//! ABORTED, consolidation: everything is as before the job.

use super::cancel::remove_markers;
use super::running::{Running, Step, Stop};
use crate::failpoint::failpoint;
use crate::job::failure;
use crate::job::outbox::Posted;
use crate::job::unknown_files::{Fate, delete_unknown};
use database::lock::{self, LockFlag};
use database::{container, dataset, job_log, planned_task, task};
use domain::job::{
    ActionEnd, EntryAction, LogEntry, Message, Severity, Task, TaskState, parse_message,
};
use domain::{DatasetStatus, Uri};

/// Removes the new datasets, containers and files, then the tasks and the locks.
pub(super) async fn roll_back_consolidation(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let mut step = running.begin().await?;
    let tasks = task::list_without_payload(step.conn(), id, &TaskState::ALL).await?;
    let written = written_files(&mut step).await?;
    let containers = dataset::delete_of_job(step.conn(), id, DatasetStatus::Inactive).await?;
    let mut files = container::delete_empty(step.conn(), &containers).await?;
    step.commit().await?;

    files.extend(written);
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
    task::delete_of_job(step.conn(), id).await?;
    planned_task::forget(step.conn(), id).await?;
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
async fn written_files(step: &mut Step) -> Result<Vec<Uri>, Stop> {
    // what is NEW was never sent
    let sent = [
        TaskState::Pending,
        TaskState::Done,
        TaskState::Failed,
        TaskState::Cancelled,
    ];
    let (job, mut files, mut last) = (step.stored.job.id, Vec::new(), None);
    loop {
        let tasks = task::list_piece(step.conn(), job, &sent, last).await?;
        let Some(task) = tasks.last() else {
            return Ok(files);
        };
        last = Some(task.id);
        files.extend(tasks.iter().filter_map(target));
    }
}

fn target(task: &Task) -> Option<Uri> {
    match parse_message(&task.payload) {
        Ok(Message::Order(order)) => Some(order.container.uri),
        Ok(Message::Job(_) | Message::Task(_)) | Err(_) => None,
    }
}
