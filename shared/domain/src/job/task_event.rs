//! Handling of the result of a task.

use super::task::end_of_tasks;
use super::{
    EntryAction, Job, JobState, JobStatus, LogEntry, Refusal, Severity, Task, TaskEvent, TaskState,
    TaskStatus, messages,
};
use crate::Instant;
use std::time::Duration;

/// Longest wait for the workers of a cancelled job.
const LONGEST_CANCELLATION: Duration = Duration::from_mins(10);

/// What the caller does after a task event, in the transaction that saves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// Publish this event of the job.
    Publish(JobStatus),
    /// Publish `CancellationDone` if [`cancellation_ended`] says so.
    TestCancellation,
}

/// What a task event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// Nothing is to be written: a duplicate, a late failure, or a job that is over.
    Unchanged {
        /// What to do nevertheless.
        follow_up: Option<FollowUp>,
    },
    /// The task changed, and with it the counters of the job.
    Changed {
        /// The job, to be saved.
        job: Box<Job>,
        /// New state of the task, to be saved.
        state: TaskState,
        /// What to append to the log of the job.
        logs: Vec<LogEntry>,
        /// What to do in the same transaction.
        follow_up: Option<FollowUp>,
    },
}

/// Handles the result of a task at the instant `now`.
///
/// A result is accepted in every state whose tasks are still needed, not only while the job waits
/// for it: a worker may end during a retry, and its result comes but once. A failure or a
/// cancellation of another attempt than the present one says nothing about the task; a success
/// always counts, because the file is there.
///
/// # Errors
/// [`Refusal`] when the job needs no result any more, or the task is done and something else is
/// reported.
pub fn apply_task(
    job: &Job,
    task: &Task,
    event: &TaskEvent,
    now: Instant,
) -> Result<TaskOutcome, Refusal> {
    let refusal = Refusal {
        job_id: job.id,
        event: event.status.name(),
        state: job.state,
    };
    let cancelling = job.state == JobState::ConsolidationCancelling;
    if event.status == TaskStatus::TaskCancelled && !cancelling || job.state == JobState::Failed {
        return Ok(TaskOutcome::Unchanged { follow_up: None });
    }
    if task.job_id != job.id || !needs_results(job.state) || !job.state.is_of(job.job_type) {
        return Err(refusal);
    }
    let requested = event.status.task_state();
    let stale = event.attempt != task.attempt && requested != TaskState::Done;
    let accepted = match task.state {
        state if state == requested || stale => false,
        TaskState::Done if cancelling => false,
        TaskState::Done => return Err(refusal),
        TaskState::Failed | TaskState::Cancelled => requested == TaskState::Done,
        TaskState::Pending | TaskState::New => true,
    };
    if !accepted {
        // whoever changed the task has published what follows; only the end of a cancellation
        // depends on more than the tasks
        let follow_up = (cancelling && !job.waiting).then_some(FollowUp::TestCancellation);
        return Ok(TaskOutcome::Unchanged { follow_up });
    }
    let job = Job {
        counters: job.counters.moved(task.state, requested),
        last_update: now,
        ..job.clone()
    };
    Ok(TaskOutcome::Changed {
        logs: logs(&job, task, event, now),
        follow_up: follow_up(&job),
        job: Box::new(job),
        state: requested,
    })
}

/// Whether a cancelled job has no worker any more: none of its leases is live, or they were waited
/// for long enough since the job entered CONSOLIDATIONCANCELLING.
pub fn cancellation_ended(live_leases: u64, since: Instant, now: Instant) -> bool {
    let waited = (now.utc() - since.utc()).to_std().unwrap_or_default();
    live_leases == 0 || waited >= LONGEST_CANCELLATION
}

fn needs_results(state: JobState) -> bool {
    match state {
        JobState::ConsolidationInProgress
        | JobState::ConsolidationFailed
        | JobState::ConsolidationRetrying
        | JobState::ConsolidationForceRetrying
        | JobState::ConsolidationCancelling
        | JobState::CancellationFailed
        | JobState::DeletionEffective => true,
        JobState::New
        | JobState::Created
        | JobState::ConsolidationDone
        | JobState::ConsolidationIndexed
        | JobState::ConsolidationEffective
        | JobState::DeletionInProgress
        | JobState::DeletionFailed
        | JobState::Done
        | JobState::Failed
        | JobState::InitialisationFailed
        | JobState::Aborted
        | JobState::RollbackFailed
        | JobState::DoneButUntidy => false,
    }
}

/// While the job is paused, the entry action that comes after the pause looks at the tasks.
fn follow_up(job: &Job) -> Option<FollowUp> {
    match job.state {
        JobState::ConsolidationInProgress if !job.waiting => EntryAction::SendOrders
            .follow_up(Ok(end_of_tasks(job.counters)))
            .map(FollowUp::Publish),
        // the tasks do not tell: a worker of a former attempt may still write
        JobState::ConsolidationCancelling if !job.waiting => Some(FollowUp::TestCancellation),
        _ => None,
    }
}

fn logs(job: &Job, task: &Task, event: &TaskEvent, now: Instant) -> Vec<LogEntry> {
    let entry = |severity, text| LogEntry::new(now, severity, job.state, text);
    let mut logs = Vec::with_capacity(2);
    if event.status == TaskStatus::TaskFailed {
        let text = format!("Task {} failed: {}", task.id, event.error);
        logs.push(entry(Severity::Error, text));
    }
    let text = messages::task_event(event.status, task.id, &event.error);
    logs.push(entry(Severity::Debug, text));
    logs
}
