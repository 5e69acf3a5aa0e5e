//! What is to be done on entering a state.

use super::{Failure, JobState, JobStatus, JobType};

/// Entry action of a state. Each may run twice.
///
/// States that only wait for a command have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryAction {
    /// NEW: nothing but the follow-up.
    Start,
    /// CREATED, consolidation: plan the cells, create the tasks, lock what they replace.
    PrepareOrders,
    /// CONSOLIDATIONINPROGRESS: send the orders of the NEW tasks.
    SendOrders,
    /// CONSOLIDATIONDONE: index the file of each DONE task.
    IndexOutputs,
    /// CONSOLIDATIONINDEXED: show the new datasets instead of the former ones.
    SwapDatasets,
    /// CONSOLIDATIONEFFECTIVE: hand the former datasets to a deletion job.
    StartDeletion,
    /// CONSOLIDATIONCANCELLING: tell the workers of the PENDING tasks to stop.
    CancelTasks,
    /// CONSOLIDATIONRETRYING: FAILED tasks become NEW.
    RetryFailedTasks,
    /// CONSOLIDATIONFORCERETRYING: FAILED and PENDING tasks become NEW.
    RetryUnfinishedTasks,
    /// ABORTED, consolidation: remove what was written, release the locks.
    RollBackConsolidation,
    /// CREATED, deletion: hide the datasets.
    HideDatasets,
    /// DELETIONINPROGRESS: remove the datasets, create a task per file to delete.
    RemoveDatasets,
    /// DELETIONEFFECTIVE: delete the files.
    DeleteFiles,
    /// ABORTED, deletion: show the datasets again, release the locks.
    RollBackDeletion,
    /// FAILED: release the locks that a failed rollback left; the datasets that are still hidden
    /// keep their status and are named in an ERROR log. There are none after a complete rollback.
    ReleaseLocks,
}

/// How a successful entry action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionEnd {
    /// Nothing is left to do in the state.
    Complete,
    /// No task is active any more, and this many failed.
    TasksFailed(u32),
    /// Workers are busy: the end of the state is told later, by task events or by the sweeper.
    AwaitingTasks,
}

impl EntryAction {
    /// Entry action of a state, `None` where the job only waits for a command or is finished.
    pub fn of(job_type: JobType, state: JobState) -> Option<Self> {
        let (consolidation, deletion) = match state {
            JobState::New => (Some(Self::Start), Some(Self::Start)),
            JobState::Created => (Some(Self::PrepareOrders), Some(Self::HideDatasets)),
            JobState::ConsolidationInProgress => (Some(Self::SendOrders), None),
            JobState::ConsolidationDone => (Some(Self::IndexOutputs), None),
            JobState::ConsolidationIndexed => (Some(Self::SwapDatasets), None),
            JobState::ConsolidationEffective => (Some(Self::StartDeletion), None),
            JobState::ConsolidationRetrying => (Some(Self::RetryFailedTasks), None),
            JobState::ConsolidationForceRetrying => (Some(Self::RetryUnfinishedTasks), None),
            JobState::ConsolidationCancelling => (Some(Self::CancelTasks), None),
            JobState::DeletionInProgress => (None, Some(Self::RemoveDatasets)),
            JobState::DeletionEffective => (None, Some(Self::DeleteFiles)),
            JobState::Aborted => (
                Some(Self::RollBackConsolidation),
                Some(Self::RollBackDeletion),
            ),
            JobState::Failed => (Some(Self::ReleaseLocks), Some(Self::ReleaseLocks)),
            JobState::ConsolidationFailed
            | JobState::DeletionFailed
            | JobState::Done
            | JobState::InitialisationFailed
            | JobState::CancellationFailed
            | JobState::RollbackFailed
            | JobState::DoneButUntidy => (None, None),
        };
        match job_type {
            JobType::Consolidation => consolidation,
            JobType::Deletion => deletion,
            JobType::Ingestion => None,
        }
    }

    /// Event to publish after the action.
    ///
    /// `None` when nothing follows: the end of the state comes later ([`ActionEnd::AwaitingTasks`]),
    /// or the job is in its last state. A failed [`Self::ReleaseLocks`] has no event either: the
    /// action stays unrecorded, so it is run again.
    pub fn follow_up(self, end: Result<ActionEnd, Failure>) -> Option<JobStatus> {
        match end {
            Ok(ActionEnd::Complete) => self.success(),
            Ok(ActionEnd::TasksFailed(count)) => {
                let failure = Failure::new(format!("{count} task(s) failed"));
                if self == Self::SendOrders {
                    return Some(JobStatus::ConsolidationFailed(failure));
                }
                self.failure(failure)
            }
            Ok(ActionEnd::AwaitingTasks) => None,
            Err(failure) => self.failure(failure),
        }
    }

    fn success(self) -> Option<JobStatus> {
        match self {
            Self::Start => Some(JobStatus::JobCreated),
            Self::PrepareOrders | Self::RetryFailedTasks | Self::RetryUnfinishedTasks => {
                Some(JobStatus::OrdersPrepared)
            }
            Self::SendOrders => Some(JobStatus::ConsolidationDone),
            Self::IndexOutputs => Some(JobStatus::ConsolidationIndexed),
            Self::SwapDatasets => Some(JobStatus::DatasetsSwapped),
            Self::StartDeletion => Some(JobStatus::DeletionStarted),
            Self::CancelTasks => Some(JobStatus::CancellationDone),
            Self::RollBackConsolidation | Self::RollBackDeletion => Some(JobStatus::RollbackDone),
            Self::HideDatasets => Some(JobStatus::DeletionReady),
            Self::RemoveDatasets => Some(JobStatus::RemovalDone),
            Self::DeleteFiles => Some(JobStatus::DeletionDone),
            Self::ReleaseLocks => None,
        }
    }

    fn failure(self, failure: Failure) -> Option<JobStatus> {
        match self {
            Self::PrepareOrders => Some(JobStatus::PrepareOrdersFailed(failure)),
            Self::SendOrders => Some(JobStatus::SendOrdersFailed(failure)),
            Self::IndexOutputs => Some(JobStatus::ConsolidationIndexingFailed(failure)),
            Self::SwapDatasets => Some(JobStatus::SwapDatasetsFailed(failure)),
            Self::StartDeletion => Some(JobStatus::StartDeletionFailed(failure)),
            Self::CancelTasks => Some(JobStatus::CancellationFailed(failure)),
            Self::RetryFailedTasks | Self::RetryUnfinishedTasks => {
                Some(JobStatus::ConsolidationRetryFailed(failure))
            }
            Self::RollBackConsolidation | Self::RollBackDeletion => {
                Some(JobStatus::RollbackFailed(failure))
            }
            Self::HideDatasets => Some(JobStatus::DeletionNotReady(failure)),
            Self::RemoveDatasets => Some(JobStatus::RemovalFailed(failure)),
            Self::DeleteFiles => Some(JobStatus::DeletionFailed(failure)),
            Self::Start | Self::ReleaseLocks => None,
        }
    }
}
