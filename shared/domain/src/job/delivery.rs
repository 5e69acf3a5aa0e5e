//! What becomes of a delivered job event: queues deliver more than once, and out of order.

use super::{
    EntryAction, Job, JobEvent, JobState, JobStatus, Refusal, TaskCounters, Transition, apply,
};
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
    /// Nothing: the job does not handle it in its present state. A command is to be remembered, so that a copy of it does not act
    /// in a later state.
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
    let late = event.seq.is_some_and(|seq| seq < job.revision);
    if late && counts_for_its_revision(job.state, &event.status)
        || is_belied_by_tasks(job, &event.status)
    {
        return Reception::Stale(Refusal::of(job, &event.status));
    }
    match apply_stored(job, record.action_revision, &event.status, now) {
        Ok(transition) => Reception::Handled(Box::new(transition)),
        Err(refusal) => Reception::Stale(refusal),
    }
}

/// Whether an event says nothing about a later revision than the one that it was published for, even where that is the same
/// state again.
///
/// What an entry action or a task led to concerns that visit of the state; so does a command to go on or to try again, which
/// would otherwise end the next pause, or do over again what it has already set off. A cancel counts whatever crosses it, except
/// where a second one would end the wait for workers, or give up a rollback, that the first one has led to.
fn counts_for_its_revision(state: JobState, status: &JobStatus) -> bool {
    match status {
        JobStatus::CancelledByUser => false,
        JobStatus::CancelledByUserForced => matches!(
            state,
            JobState::ConsolidationCancelling | JobState::RollbackFailed
        ),
        _ => true,
    }
}

/// Whether the tasks tell otherwise than an event about their end: a late success may turn a failure into the contrary before
/// the job hears of either.
fn is_belied_by_tasks(job: &Job, status: &JobStatus) -> bool {
    let TaskCounters { active, failed } = job.counters;
    match status {
        JobStatus::ConsolidationDone => active > 0 || failed > 0,
        JobStatus::ConsolidationFailed(_) => active > 0 || failed == 0,
        _ => false,
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
