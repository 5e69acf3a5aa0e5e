//! Handling of a job event.

use super::transitions::next_state;
use super::{EntryAction, Job, JobState, JobStatus, JobType, LogEntry, Severity};
use crate::{Error, Instant, JobId};

/// An event that the job does not handle in its present state: nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Job {job_id}: Unable to trigger {event} (current state={state})")]
pub struct Refusal {
    /// The job.
    pub job_id: JobId,
    /// Name of the event.
    pub event: &'static str,
    /// State of the job.
    pub state: JobState,
}

impl Refusal {
    pub(super) fn of(job: &Job, event: &JobStatus) -> Self {
        Self {
            job_id: job.id,
            event: event.name(),
            state: job.state,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Precondition(refusal.to_string())
    }
}

/// A handled event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The job after the event, to be saved together with `logs`.
    pub job: Job,
    /// What to append to the log.
    pub logs: Vec<LogEntry>,
    /// What to perform afterwards; `None` while the job waits, and in states that only await a
    /// command.
    pub entry: Option<EntryAction>,
}

/// Handles an event at the instant `now`.
///
/// # Errors
/// [`Refusal`] when the job does not handle the event in its present state.
pub fn apply(job: &Job, event: &JobStatus, now: Instant) -> Result<Transition, Refusal> {
    let refusal = || Refusal::of(job, event);
    if !job.state.is_of(job.job_type) {
        return Err(refusal());
    }
    let log = |severity, state, text: String| LogEntry::new(now, severity, state, text);
    let mut logs = Vec::new();
    let (state, waiting) = match event {
        JobStatus::Continue if job.waiting => (job.state, false),
        JobStatus::Continue => return Err(refusal()),
        JobStatus::RetryForced if job.state.reruns_when_forced() => {
            let text = "The user forces the state to run again".to_owned();
            logs.push(log(Severity::Info, job.state, text));
            (job.state, job.waiting)
        }
        _ => {
            let state = next_state(job, event).ok_or_else(refusal)?;
            if !event.error().is_empty() {
                let text = format!("{event}: {}", event.error());
                logs.push(log(Severity::Error, job.state, text));
            }
            if files_may_be_gone(job, state) {
                let text = "Cancelled while the files are being deleted: some may be gone already";
                logs.push(log(Severity::Warn, job.state, text.to_owned()));
            }
            (state, job.execution_level.pauses_at(state.step_level()))
        }
    };
    let suffix = if waiting {
        " (waiting for the user to continue)"
    } else {
        ""
    };
    logs.push(log(Severity::Info, state, format!("Enter {state}{suffix}")));
    if !waiting {
        logs.extend(remarks(job.job_type, state, now));
    }
    Ok(Transition {
        entry: EntryAction::of(job.job_type, state).filter(|_| !waiting),
        logs,
        job: Job {
            state,
            waiting,
            last_update: now,
            revision: job.revision.saturating_add(1),
            ..job.clone()
        },
    })
}

fn files_may_be_gone(job: &Job, next: JobState) -> bool {
    job.state == JobState::DeletionEffective && next == JobState::Aborted && !job.waiting
}

/// What the user has to know in states without entry action.
fn remarks(job_type: JobType, state: JobState, now: Instant) -> Vec<LogEntry> {
    let commands = match (job_type, state) {
        (
            JobType::Consolidation,
            JobState::ConsolidationFailed | JobState::InitialisationFailed,
        )
        | (JobType::Deletion, JobState::DeletionFailed) => "retry or cancel",
        (JobType::Consolidation, JobState::CancellationFailed) => "retry",
        (_, JobState::InitialisationFailed | JobState::RollbackFailed) => "retry or forced cancel",
        (_, JobState::DoneButUntidy) => {
            let text =
                "Something is left behind: an administrator has to look at it, or force a retry";
            return vec![LogEntry::new(now, Severity::Warn, state, text)];
        }
        _ => return Vec::new(),
    };
    vec![
        LogEntry::new(
            now,
            Severity::Error,
            state,
            "The job cannot go on by itself",
        ),
        LogEntry::new(
            now,
            Severity::Info,
            state,
            format!("Awaiting a command of the user: {commands}"),
        ),
    ]
}
