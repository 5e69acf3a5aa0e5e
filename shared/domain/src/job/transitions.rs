//! The transition tables. What a table does not name is refused.

#![expect(clippy::match_same_arms, reason = "one arm per row of the table")]

use super::{Job, JobState, JobStatus, JobType};
use {JobState as S, JobStatus as E};

/// State that an event leads to, `None` when the event is not handled in the present state.
///
/// `Continue`, and a forced retry that only runs the state again, are not in the tables.
pub(super) fn next_state(job: &Job, event: &JobStatus) -> Option<JobState> {
    match job.job_type {
        JobType::Consolidation => consolidation(job.state, event, job.waiting),
        JobType::Deletion => deletion(job.state, event, job.waiting),
        JobType::Ingestion => None,
    }
}

fn consolidation(state: JobState, event: &JobStatus, waiting: bool) -> Option<JobState> {
    let next = match (state, event) {
        (S::New, E::JobCreated) => S::Created,
        (S::Created, E::OrdersPrepared) => S::ConsolidationInProgress,
        (S::Created, E::PrepareOrdersFailed(_)) => S::InitialisationFailed,
        (S::New | S::Created, E::CancelledByUser) if waiting => S::Aborted,
        (S::New | S::Created, E::CancelledByUserForced) => S::Aborted,
        (S::InitialisationFailed, E::CancelledByUser | E::CancelledByUserForced) => S::Aborted,
        (S::InitialisationFailed, E::Retried | E::RetryForced) => S::Created,

        (S::ConsolidationInProgress, E::ConsolidationDone) => S::ConsolidationDone,
        (S::ConsolidationInProgress, E::ConsolidationFailed(_) | E::SendOrdersFailed(_)) => {
            S::ConsolidationFailed
        }
        (S::ConsolidationInProgress, E::CancelledByUser | E::CancelledByUserForced) => {
            S::ConsolidationCancelling
        }
        (S::ConsolidationInProgress, E::Retried) => S::ConsolidationRetrying,
        (S::ConsolidationInProgress, E::RetryForced) => S::ConsolidationForceRetrying,

        (S::ConsolidationDone, E::ConsolidationIndexed) => S::ConsolidationIndexed,
        (S::ConsolidationDone, E::ConsolidationIndexingFailed(_)) => S::ConsolidationFailed,
        (S::ConsolidationIndexed, E::DatasetsSwapped) => S::ConsolidationEffective,
        (S::ConsolidationIndexed, E::SwapDatasetsFailed(_)) => S::ConsolidationFailed,
        (S::ConsolidationDone | S::ConsolidationIndexed, E::CancelledByUser) if waiting => {
            S::Aborted
        }
        (S::ConsolidationDone | S::ConsolidationIndexed, E::CancelledByUserForced) => S::Aborted,

        // the swap is the point of no return
        (S::ConsolidationEffective, E::DeletionStarted) => S::Done,
        (S::ConsolidationEffective, E::StartDeletionFailed(_)) => S::DoneButUntidy,
        (S::DoneButUntidy, E::Retried | E::RetryForced) => S::ConsolidationEffective,

        (S::ConsolidationFailed, E::CancelledByUser | E::CancelledByUserForced) => S::Aborted,
        (S::ConsolidationFailed, E::Retried | E::RetryForced) => S::ConsolidationRetrying,
        (S::ConsolidationRetrying | S::ConsolidationForceRetrying, E::OrdersPrepared) => {
            S::ConsolidationInProgress
        }
        (
            S::ConsolidationRetrying | S::ConsolidationForceRetrying,
            E::ConsolidationRetryFailed(_),
        ) => S::ConsolidationFailed,

        // a forced cancel ends the wait for the workers
        (S::ConsolidationCancelling, E::CancellationDone | E::CancelledByUserForced) => S::Aborted,
        (S::ConsolidationCancelling, E::CancellationFailed(_)) => S::CancellationFailed,
        (S::CancellationFailed, E::Retried | E::RetryForced) => S::ConsolidationCancelling,

        (state, event) => return rollback(state, event),
    };
    Some(next)
}

fn deletion(state: JobState, event: &JobStatus, waiting: bool) -> Option<JobState> {
    let next = match (state, event) {
        (S::New, E::JobCreated) => S::Created,
        (S::Created, E::DeletionReady) => S::DeletionInProgress,
        (S::Created, E::DeletionNotReady(_)) => S::InitialisationFailed,
        (S::New | S::Created, E::CancelledByUser) if waiting => S::Aborted,
        (S::New | S::Created, E::CancelledByUserForced) => S::Aborted,
        // rolled back first: some datasets may be hidden and all are locked
        (S::InitialisationFailed, E::CancelledByUserForced) => S::Aborted,
        (S::InitialisationFailed, E::Retried | E::RetryForced) => S::Created,

        (S::DeletionInProgress, E::RemovalDone) => S::DeletionEffective,
        (S::DeletionInProgress, E::RemovalFailed(_)) => S::DeletionFailed,
        (S::DeletionInProgress, E::CancelledByUser) if waiting => S::Aborted,
        (S::DeletionInProgress, E::CancelledByUserForced) => S::Aborted,
        (S::DeletionFailed, E::CancelledByUser | E::CancelledByUserForced) => S::Aborted,
        (S::DeletionFailed, E::Retried | E::RetryForced) => S::DeletionInProgress,

        (S::DeletionEffective, E::DeletionDone) => S::Done,
        (S::DeletionEffective, E::DeletionFailed(_)) => S::DoneButUntidy,
        (S::DeletionEffective, E::CancelledByUserForced) => S::Aborted,
        (S::DoneButUntidy, E::RetryForced) => S::DeletionEffective,

        (state, event) => return rollback(state, event),
    };
    Some(next)
}

fn rollback(state: JobState, event: &JobStatus) -> Option<JobState> {
    match (state, event) {
        (S::Aborted, E::RollbackDone) | (S::RollbackFailed, E::CancelledByUserForced) => {
            Some(S::Failed)
        }
        (S::Aborted, E::RollbackFailed(_)) => Some(S::RollbackFailed),
        (S::RollbackFailed, E::Retried | E::RetryForced) => Some(S::Aborted),
        _ => None,
    }
}
