//! Tasks: the units of work of a job.

use super::{ActionEnd, TaskCounters};
use crate::{JobId, TaskId};
use std::fmt;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskState {
    /// Ended with an error.
    Failed = 0,
    /// Cancelled, or nothing to do.
    Cancelled = 1,
    /// Finished.
    Done = 2,
    /// Sent to a worker.
    Pending = 3,
    /// Created or reset, not sent.
    New = 4,
}

impl TaskState {
    /// Every state, in the order of the numbers.
    pub const ALL: [Self; 5] = [
        Self::Failed,
        Self::Cancelled,
        Self::Done,
        Self::Pending,
        Self::New,
    ];

    /// Stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Done => "DONE",
            Self::Pending => "PENDING",
            Self::New => "NEW",
        }
    }

    /// Reads a stored name, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Result of a task, as a worker reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskStatus {
    /// The file is written.
    TaskSuccessful = 0,
    /// The work ended with an error.
    TaskFailed = 1,
    /// There was nothing to do.
    TaskIgnored = 2,
    /// The worker stopped because the job was cancelled.
    TaskCancelled = 3,
}

impl TaskStatus {
    /// Every status, in the order of the numbers.
    pub const ALL: [Self; 4] = [
        Self::TaskSuccessful,
        Self::TaskFailed,
        Self::TaskIgnored,
        Self::TaskCancelled,
    ];

    /// Name in messages and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskSuccessful => "TaskSuccessful",
            Self::TaskFailed => "TaskFailed",
            Self::TaskIgnored => "TaskIgnored",
            Self::TaskCancelled => "TaskCancelled",
        }
    }

    /// Reads a name, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.name().eq_ignore_ascii_case(name))
    }

    /// Status of a number of a message.
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }

    /// State that the result asks for.
    pub fn task_state(self) -> TaskState {
        match self {
            Self::TaskSuccessful => TaskState::Done,
            Self::TaskFailed => TaskState::Failed,
            Self::TaskIgnored | Self::TaskCancelled => TaskState::Cancelled,
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A unit of work: one file to write, or one file to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Identifier.
    pub id: TaskId,
    /// Job that it belongs to.
    pub job_id: JobId,
    /// Where it is.
    pub state: TaskState,
    /// 1 + number of times that it was reset to NEW.
    pub attempt: i32,
    /// What to do: a [`super::ConsolidationOrder`] as JSON, or the URI of the file to delete.
    pub payload: Vec<u8>,
}

impl Task {
    /// A task in state NEW.
    pub fn new(id: TaskId, job_id: JobId, payload: Vec<u8>) -> Self {
        Self {
            id,
            job_id,
            state: TaskState::New,
            attempt: 1,
            payload,
        }
    }

    fn reset(&mut self) {
        self.state = TaskState::New;
        self.attempt = self.attempt.saturating_add(1);
    }
}

/// What [`in_progress_step`] decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TasksStep {
    /// Tasks that became PENDING: their orders are to be sent.
    pub sent: Vec<TaskId>,
    /// Counters of all the tasks.
    pub counters: TaskCounters,
    /// Whether the state is over.
    pub end: ActionEnd,
}

/// Entry of CONSOLIDATIONINPROGRESS: every NEW task becomes PENDING. The state is over when no
/// task is active, whether the others are done, cancelled or failed.
pub fn in_progress_step(tasks: &mut [Task]) -> TasksStep {
    let mut sent = Vec::new();
    for task in tasks.iter_mut().filter(|task| task.state == TaskState::New) {
        task.state = TaskState::Pending;
        sent.push(task.id);
    }
    let counters = TaskCounters::of(tasks.iter().map(|task| task.state));
    TasksStep {
        sent,
        counters,
        end: end_of_tasks(counters),
    }
}

/// Whether the tasks of a job are over, and how.
pub(super) fn end_of_tasks(counters: TaskCounters) -> ActionEnd {
    match counters {
        TaskCounters { active: 1.., .. } => ActionEnd::AwaitingTasks,
        TaskCounters { failed: 0, .. } => ActionEnd::Complete,
        TaskCounters { failed, .. } => ActionEnd::TasksFailed(failed),
    }
}

/// Entry of CONSOLIDATIONRETRYING: FAILED tasks become NEW, with the next attempt number. Returns
/// the changed ones.
pub fn retry_tasks(tasks: &mut [Task]) -> Vec<TaskId> {
    reset(tasks, |state| state == TaskState::Failed)
}

/// Entry of CONSOLIDATIONFORCERETRYING: FAILED and PENDING tasks become NEW, with the next attempt
/// number; NEW ones stay so. Returns the changed ones.
pub fn force_retry_tasks(tasks: &mut [Task]) -> Vec<TaskId> {
    reset(tasks, |state| {
        matches!(state, TaskState::Failed | TaskState::Pending)
    })
}

fn reset(tasks: &mut [Task], chosen: impl Fn(TaskState) -> bool) -> Vec<TaskId> {
    let mut changed = Vec::new();
    for task in tasks.iter_mut().filter(|task| chosen(task.state)) {
        task.reset();
        changed.push(task.id);
    }
    changed
}

/// Name of the empty file that tells the worker of a task to stop.
pub fn cancel_marker_name(job_id: JobId, task_id: TaskId) -> String {
    format!("{job_id}_{task_id}")
}

/// Entry of CONSOLIDATIONCANCELLING: the tasks whose worker has to be told, the PENDING ones.
pub fn tasks_to_mark_cancelled(tasks: &[Task]) -> impl Iterator<Item = &Task> {
    tasks.iter().filter(|task| task.state == TaskState::Pending)
}
