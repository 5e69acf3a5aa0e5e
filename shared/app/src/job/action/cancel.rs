//! CONSOLIDATIONCANCELLING: the workers are told to stop.

use super::running::{Running, Stop};
use crate::failpoint::failpoint;
use crate::job::outbox::Posted;
use crate::{App, Error, Result};
use bytes::Bytes;
use chrono::Utc;
use database::{lease, noted_file, task};
use domain::job::{
    ActionEnd, EntryAction, Task, TaskState, cancel_marker_name, cancellation_ended,
    tasks_to_mark_cancelled,
};
use domain::{Instant, JobId, TaskId, Uri};
use futures::{StreamExt, TryStreamExt, stream};
use storage::{StorageExt, UploadOptions};

/// Markers written or deleted at the same time.
const PARALLEL: usize = 20;

/// Writes a marker for each PENDING task and tells the workers through their leases. The job goes
/// on when no worker is busy any more.
pub(super) async fn cancel_tasks(running: &Running) -> Result<Posted, Stop> {
    let id = running.job.id;
    let tasks = {
        let mut connection = running.app.database().read().await?;
        task::list_without_payload(&mut connection, id, &TaskState::ALL).await?
    };
    let pending: Vec<TaskId> = tasks_to_mark_cancelled(&tasks)
        .map(|task| task.id)
        .collect();
    write_markers(&running.app, id, &pending).await?;
    let mut step = running.begin().await?;
    lease::request_cancel(step.conn(), id).await?;
    let live = lease::live_count(step.conn(), id).await?;
    let now = Instant::from(Utc::now());
    // without any task to wait for, a worker of a former attempt may still write
    let end = if cancellation_ended(live, step.stored.entered, now) {
        ActionEnd::Complete
    } else {
        ActionEnd::AwaitingTasks
    };
    running.end(EntryAction::CancelTasks, step, end).await
}

/// Removes the markers of tasks; what cannot be removed does no harm.
pub(super) async fn remove_markers(app: &App, job: JobId, tasks: &[Task]) {
    let Some(folder) = &app.options().cancelled_jobs else {
        return;
    };
    stream::iter(tasks)
        .for_each_concurrent(PARALLEL, |task| async move {
            let Ok(marker) = marker(folder, job, task.id) else {
                return;
            };
            failpoint!("marker.delete.before");
            let deleted = app.storage().delete_if_exists(&marker).await;
            failpoint!("marker.delete.after");
            if let Err(error) = deleted {
                tracing::debug!(%marker, %error, "the marker of a cancelled task stays");
            }
        })
        .await;
}

async fn write_markers(app: &App, job: JobId, tasks: &[TaskId]) -> Result<()> {
    let Some(folder) = &app.options().cancelled_jobs else {
        return Ok(());
    };
    let marker = |task: &TaskId| marker(folder, job, *task);
    let markers: Vec<Uri> = tasks.iter().map(marker).collect::<domain::Result<_>>()?;
    {
        let mut connection = app.database().write().await?;
        noted_file::note_files(&mut connection, job, &markers).await?;
    }
    stream::iter(markers)
        .map(Ok)
        .try_for_each_concurrent(PARALLEL, |marker| async move {
            failpoint!("marker.write.before");
            let written = app
                .storage()
                .upload(&marker, Bytes::new(), &UploadOptions::default())
                .await;
            failpoint!("marker.write.after");
            written.map_err(|error| {
                if error.is_retryable() {
                    Error::unavailable("the storage of the markers of cancelled tasks", error)
                } else {
                    Error::internal("writing the marker of a cancelled task", error)
                }
            })
        })
        .await
}

/// File whose existence tells the worker of a task to stop.
fn marker(folder: &Uri, job: JobId, task: TaskId) -> domain::Result<Uri> {
    folder.join([cancel_marker_name(job, task)])
}
