//! DELETIONEFFECTIVE: the files of the removed containers are deleted, unless they are indexed again.

use super::running::{Running, Stop};
use crate::failpoint::failpoint;
use crate::job::failure;
use crate::job::outbox::Posted;
use crate::job::unknown_files::{Fate, delete_unknown};
use crate::{App, Result};
use database::{job_log, task};
use domain::job::{ActionEnd, EntryAction, LogEntry, Severity, Task, TaskState};
use domain::{TaskId, Uri};

/// Files after which the progress is saved.
const CHUNK: usize = 100;
/// Failures whose text is kept.
const TOLD: usize = 999;

/// Deletes the file of each task that is not done; a file that is gone already is a success. One that
/// the catalogue knows again, or that the service does not own, stays.
pub(super) async fn delete_files(running: &Running) -> Result<Posted, Stop> {
    delete_unfinished(running).await?;
    let step = running.begin().await?;
    running
        .end(EntryAction::DeleteFiles, step, ActionEnd::Complete)
        .await
}

/// Deletes the files of the tasks that are not done: their datasets are removed already.
///
/// # Errors
/// [`domain::Error::Precondition`] that tells which files are still there.
pub(super) async fn delete_unfinished(running: &Running) -> Result<(), Stop> {
    let unfinished = [TaskState::New, TaskState::Pending, TaskState::Failed];
    let tasks = {
        let mut connection = running.app.database().read().await?;
        task::list(&mut connection, running.job.id, &unfinished).await?
    };
    let mut failures = Vec::new();
    for chunk in tasks.chunks(CHUNK) {
        let ended = delete_chunk(&running.app, chunk).await?;
        save(running, ended, &mut failures).await?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    let count = failures.len();
    failures.truncate(TOLD);
    let text = format!("{count} file(s) are not deleted: {}", failures.join("; "));
    Err(domain::Error::Precondition(text).into())
}

/// How the tasks of a chunk ended.
#[derive(Default)]
struct Ended {
    /// Those that are over: the file is gone, or it stays.
    done: Vec<TaskId>,
    /// Why files stay.
    spared: Vec<String>,
    /// Those that failed, with the reason.
    failed: Vec<(Task, String)>,
}

impl Ended {
    fn spare(&mut self, task: &Task, reason: String) {
        self.done.push(task.id);
        self.spared.push(reason);
    }

    fn fail(&mut self, task: &Task, reason: String) {
        let state = TaskState::Failed;
        let failed = Task {
            state,
            ..task.clone()
        };
        self.failed.push((failed, reason));
    }
}

async fn delete_chunk(app: &App, tasks: &[Task]) -> Result<Ended> {
    let mut ended = Ended::default();
    let mut files = Vec::with_capacity(tasks.len());
    for task in tasks {
        match Uri::parse(String::from_utf8_lossy(&task.payload)) {
            Ok(uri) => files.push((task, uri)),
            Err(error) => ended.fail(task, failure::text(&error)),
        }
    }
    files.retain(|(task, uri)| {
        let owned = app.options().paths.may_manage(uri);
        if !owned {
            let text = "is outside the ingestion storage (flag managedPaths): it stays";
            ended.spare(task, format!("{uri} {text}"));
        }
        owned
    });
    let uris: Vec<Uri> = files.iter().map(|(_, uri)| uri.clone()).collect();
    failpoint!("deletion.delete.before");
    let fates = delete_unknown(app, &uris).await?;
    failpoint!("deletion.delete.after");
    for ((task, uri), fate) in files.into_iter().zip(fates) {
        match fate {
            Fate::Gone => ended.done.push(task.id),
            // indexed after its container was removed: somebody reads it again
            Fate::Known => ended.spare(task, format!("{uri} is indexed: it stays")),
            Fate::Failed(error) => ended.fail(task, failure::text(&error)),
        }
    }
    Ok(ended)
}

async fn save(running: &Running, ended: Ended, failures: &mut Vec<String>) -> Result<(), Stop> {
    let mut step = running.begin().await?;
    task::delete(step.conn(), &ended.done).await?;
    let (failed, reasons): (Vec<Task>, Vec<String>) = ended.failed.into_iter().unzip();
    task::update(step.conn(), &failed).await?;
    let spared = ended.spared.into_iter();
    let mut entries: Vec<LogEntry> = spared
        .map(|reason| running.entry(Severity::Warn, reason))
        .collect();
    let errors = reasons.iter().cloned();
    entries.extend(errors.map(|reason| running.entry(Severity::Error, reason)));
    job_log::append(step.conn(), running.job.id, &entries).await?;
    step.recount().await?;
    step.commit().await?;
    failures.extend(reasons);
    Ok(())
}
