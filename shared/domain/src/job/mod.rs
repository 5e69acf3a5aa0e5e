//! Jobs: state machine, tasks, logs and the payloads that travel between services.
//!
//! A job changes in two ways only: [`apply`] handles a job event, [`apply_task`] the result of a
//! task, [`apply_tasks`] those of several. All are pure; the caller saves what they return in one
//! transaction, then performs the [`EntryAction`] of the new state and publishes its follow-up.

mod action;
mod delivery;
pub mod ewkb;
mod level;
mod log;
mod machine;
pub mod messages;
mod model;
pub mod number;
pub mod payload;
mod state;
mod status;
mod task;
mod task_event;
mod task_events;
mod transitions;

pub use action::{ActionEnd, EntryAction};
pub use delivery::{ActionRecord, Reception, apply_stored, receive};
pub use level::{ExecutionLevel, StepLevel};
pub use log::{LogEntry, LogPage, Severity, list_job_lines};
pub use machine::{Refusal, Transition, apply};
pub use model::{Job, JobPayload, TaskCounters};
pub use payload::{ConsolidationOrder, JobEvent, Message, PayloadError, TaskEvent, parse_message};
pub use state::{JobState, JobType};
pub use status::{Failure, JobStatus};
pub use task::{
    Task, TaskState, TaskStatus, TasksStep, cancel_marker_name, force_retry_tasks,
    in_progress_step, retry_tasks, tasks_to_mark_cancelled,
};
pub use task_event::{FollowUp, TaskOutcome, apply_task, cancellation_ended};
pub use task_events::{TasksOutcome, Verdict, apply_tasks};

#[cfg(test)]
mod tests;
