//! DELETIONEFFECTIVE: the files of the removed containers are deleted.

use super::running::{Running, Stop};
use crate::job::failure;
use crate::job::outbox::Posted;
use crate::{App, Result};
use database::{job_log, task};
use domain::job::{ActionEnd, EntryAction, LogEntry, Severity, Task, TaskState};
use domain::{TaskId, Uri};
use futures::{StreamExt, stream};
use storage::StorageExt;

/// Files deleted at the same time.
const PARALLEL: usize = 20;
/// Files after which the progress is saved.
const CHUNK: usize = 100;
/// Failures whose text is kept.
const TOLD: usize = 999;

/// Deletes the file of each task that is not done; a file that is gone already is a success.
pub(super) async fn delete_files(running: &Running) -> Result<Posted, Stop> {
    let unfinished = [TaskState::New, TaskState::Pending, TaskState::Failed];
    let tasks = {
        let mut connection = running.app.database().read().await?;
        task::list(&mut connection, running.job.id, &unfinished).await?
    };
    let mut failures = Vec::new();
    for chunk in tasks.chunks(CHUNK) {
        let (deleted, failed) = delete_chunk(&running.app, chunk).await;
        save(running, &deleted, failed, &mut failures).await?;
    }
    if failures.is_empty() {
        let step = running.begin().await?;
        return running
            .end(EntryAction::DeleteFiles, step, ActionEnd::Complete)
            .await;
    }
    let count = failures.len();
    failures.truncate(TOLD);
    let text = format!("{count} file(s) are not deleted: {}", failures.join("; "));
    Err(domain::Error::Precondition(text).into())
}

/// The tasks whose file is gone, and those that failed with the reason.
async fn delete_chunk(app: &App, tasks: &[Task]) -> (Vec<TaskId>, Vec<(Task, String)>) {
    // made before they are run: a stream over references is not general enough to be spawned
    let deletions: Vec<_> = tasks.iter().map(|task| delete_file(app, task)).collect();
    let results: Vec<_> = stream::iter(deletions).buffered(PARALLEL).collect().await;
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for (task, result) in tasks.iter().zip(results) {
        match result {
            Ok(()) => deleted.push(task.id),
            Err(reason) => failed.push((
                Task {
                    state: TaskState::Failed,
                    ..task.clone()
                },
                reason,
            )),
        }
    }
    (deleted, failed)
}

async fn delete_file(app: &App, task: &Task) -> Result<(), String> {
    let uri = String::from_utf8_lossy(&task.payload);
    let uri = Uri::parse(uri).map_err(|error| failure::text(&error))?;
    app.storage()
        .delete_if_exists(&uri)
        .await
        .map_err(|error| failure::text(&error))
}

async fn save(
    running: &Running,
    deleted: &[TaskId],
    failed: Vec<(Task, String)>,
    failures: &mut Vec<String>,
) -> Result<(), Stop> {
    let mut step = running.begin().await?;
    task::delete(step.conn(), deleted).await?;
    let (failed, reasons): (Vec<Task>, Vec<String>) = failed.into_iter().unzip();
    task::update(step.conn(), &failed).await?;
    let entries: Vec<LogEntry> = reasons
        .iter()
        .map(|reason| running.entry(Severity::Error, reason.clone()))
        .collect();
    job_log::append(step.conn(), running.job.id, &entries).await?;
    step.recount().await?;
    step.commit().await?;
    failures.extend(reasons);
    Ok(())
}
