//! What becomes of a delivered job event: queues deliver more than once, and out of order.

use super::{EntryAction, Job, JobEvent, JobState, JobStatus, Refusal, Transition, apply};
use crate::{EventId, Instant};

/// What is stored about the last handled event of a job and its entry action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionRecord {
    /// Event that led to the present revision.
    pub last_event_id: Option<EventId>,
    /// Last revision whose entry action is finished.
    pub action_revision: i64,
    /// Whether somebody runs the entry action at this moment.
    pub lease_is_live: bool,
}

/// What to do with a delivered job event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Nothing: it was handled, and its entry action is finished or not to be run now.
    Finished,
    /// Nothing now: its entry action is running. To be delivered again.
    Busy,
    /// Take the lease and run its entry action again: whoever ran it stopped half-way.
    RunAgain(EntryAction),
    /// Nothing: it was handled before a later one.
    Duplicate,
    /// Save the transition, the event and the lease, then run the entry action.
    Handled(Box<Transition>),
    /// Nothing: the job does not handle it in its present state.
    Stale(Refusal),
}

/// Decides about a delivered event. `already_processed` tells whether an event of the same identity
/// was handled before.
///
/// The identity comes first: a command such as a forced retry would otherwise be handled again on
/// each delivery. An event without identity is judged by the machine alone.
pub fn receive(
    job: &Job,
    record: &ActionRecord,
    event: &JobEvent,
    already_processed: bool,
    now: Instant,
) -> Reception {
    if event.event_id.is_some() && event.event_id == record.last_event_id {
        let action = EntryAction::of(job.job_type, job.state)
            .filter(|_| !job.waiting && record.action_revision < job.revision);
        return match action {
            None => Reception::Finished,
            Some(_) if record.lease_is_live => Reception::Busy,
            Some(action) => Reception::RunAgain(action),
        };
    }
    if already_processed {
        return Reception::Duplicate;
    }
    // a second command to go on, sent in the same pause, must not end the next one
    let late = event.seq.is_some_and(|seq| seq < job.revision);
    if late && event.status == JobStatus::Continue {
        return Reception::Stale(Refusal::of(job, &event.status));
    }
    match apply_stored(job, record.action_revision, &event.status, now) {
        Ok(transition) => Reception::Handled(Box::new(transition)),
        Err(refusal) => Reception::Stale(refusal),
    }
}

/// As [`apply`], for a job whose entry action is finished up to a revision: datasets that are swapped stay so. The swap is
/// the point of no return as soon as it is stored, which is before the job hears of it.
///
/// # Errors
/// [`Refusal`] as by [`apply`], and for commands to undo or repeat a swap that was stored.
pub fn apply_stored(
    job: &Job,
    action_revision: i64,
    event: &JobStatus,
    now: Instant,
) -> Result<Transition, Refusal> {
    let swapped = job.state == JobState::ConsolidationIndexed
        && !job.waiting
        && action_revision >= job.revision;
    let against = matches!(
        event,
        JobStatus::CancelledByUser | JobStatus::CancelledByUserForced | JobStatus::RetryForced
    );
    if swapped && against {
        return Err(Refusal::of(job, event));
    }
    apply(job, event, now)
}
