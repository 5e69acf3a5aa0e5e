//! CONSOLIDATIONRETRYING and CONSOLIDATIONFORCERETRYING: tasks get another try.

use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use database::task;
use domain::TaskId;
use domain::job::{ActionEnd, EntryAction, Task, TaskState, force_retry_tasks, retry_tasks};
use std::collections::HashSet;

/// Resets the tasks that failed; when forced, also those that were sent.
pub(super) async fn reset_tasks(running: &Running, entry: EntryAction) -> Result<Posted, Stop> {
    let mut step = running.begin().await?;
    let mut tasks =
        task::list_without_payload(step.conn(), running.job.id, &TaskState::ALL).await?;
    let reset = if entry == EntryAction::RetryUnfinishedTasks {
        force_retry_tasks(&mut tasks)
    } else {
        retry_tasks(&mut tasks)
    };
    let reset: HashSet<TaskId> = reset.into_iter().collect();
    let changed: Vec<Task> = tasks
        .into_iter()
        .filter(|task| reset.contains(&task.id))
        .collect();
    task::update(step.conn(), &changed).await?;
    step.recount().await?;
    running.end(entry, step, ActionEnd::Complete).await
}
