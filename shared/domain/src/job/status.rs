//! Events of the job machine.

use std::fmt;

/// Why a step failed; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// The text of a failure. An empty one becomes `unspecified failure`, because a failing event
    /// without a reason could not be told from a malformed one.
    pub fn new(reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        if reason.is_empty() {
            return Self("unspecified failure".to_owned());
        }
        Self(reason)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happened to a job, or what the user wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// The job is stored.
    JobCreated,
    /// The tasks are planned, or reset for another try.
    OrdersPrepared,
    /// The planning failed.
    PrepareOrdersFailed(Failure),
    /// The orders could not be sent.
    SendOrdersFailed(Failure),
    /// Every task is finished, none failed.
    ConsolidationDone,
    /// Every task is finished, some failed.
    ConsolidationFailed(Failure),
    /// The tasks could not be reset.
    ConsolidationRetryFailed(Failure),
    /// The new files are indexed.
    ConsolidationIndexed,
    /// The new files could not be indexed.
    ConsolidationIndexingFailed(Failure),
    /// The new datasets are visible instead of the former ones.
    DatasetsSwapped,
    /// The datasets could not be swapped.
    SwapDatasetsFailed(Failure),
    /// The former datasets were handed to a deletion job.
    DeletionStarted,
    /// The deletion job could not be created.
    StartDeletionFailed(Failure),
    /// The datasets to delete are hidden.
    DeletionReady,
    /// The datasets to delete could not be hidden.
    DeletionNotReady(Failure),
    /// The datasets are removed from the catalogue.
    RemovalDone,
    /// The files are deleted.
    DeletionDone,
    /// The datasets could not be removed from the catalogue.
    RemovalFailed(Failure),
    /// Some files could not be deleted.
    DeletionFailed(Failure),
    /// Command: cancel where no half-done work is lost.
    CancelledByUser,
    /// Command: cancel wherever it is possible.
    CancelledByUserForced,
    /// The workers could not be told to stop.
    CancellationFailed(Failure),
    /// No worker is busy with the job any more.
    CancellationDone,
    /// The rollback failed.
    RollbackFailed(Failure),
    /// Everything is as before the job.
    RollbackDone,
    /// Command: try again what failed.
    Retried,
    /// Command: run the present step again.
    RetryForced,
    /// Command: leave the pause.
    Continue,
}

impl JobStatus {
    /// Names, by number.
    pub const NAMES: [&'static str; 28] = [
        "JobCreated",
        "OrdersPrepared",
        "PrepareOrdersFailed",
        "SendOrdersFailed",
        "ConsolidationDone",
        "ConsolidationFailed",
        "ConsolidationRetryFailed",
        "ConsolidationIndexed",
        "ConsolidationIndexingFailed",
        "DatasetsSwapped",
        "SwapDatasetsFailed",
        "DeletionStarted",
        "StartDeletionFailed",
        "DeletionReady",
        "DeletionNotReady",
        "RemovalDone",
        "DeletionDone",
        "RemovalFailed",
        "DeletionFailed",
        "CancelledByUser",
        "CancelledByUserForced",
        "CancellationFailed",
        "CancellationDone",
        "RollbackFailed",
        "RollbackDone",
        "Retried",
        "RetryForced",
        "Continue",
    ];

    /// Number of the event, also accepted in messages.
    pub fn number(&self) -> usize {
        match self {
            Self::JobCreated => 0,
            Self::OrdersPrepared => 1,
            Self::PrepareOrdersFailed(_) => 2,
            Self::SendOrdersFailed(_) => 3,
            Self::ConsolidationDone => 4,
            Self::ConsolidationFailed(_) => 5,
            Self::ConsolidationRetryFailed(_) => 6,
            Self::ConsolidationIndexed => 7,
            Self::ConsolidationIndexingFailed(_) => 8,
            Self::DatasetsSwapped => 9,
            Self::SwapDatasetsFailed(_) => 10,
            Self::DeletionStarted => 11,
            Self::StartDeletionFailed(_) => 12,
            Self::DeletionReady => 13,
            Self::DeletionNotReady(_) => 14,
            Self::RemovalDone => 15,
            Self::DeletionDone => 16,
            Self::RemovalFailed(_) => 17,
            Self::DeletionFailed(_) => 18,
            Self::CancelledByUser => 19,
            Self::CancelledByUserForced => 20,
            Self::CancellationFailed(_) => 21,
            Self::CancellationDone => 22,
            Self::RollbackFailed(_) => 23,
            Self::RollbackDone => 24,
            Self::Retried => 25,
            Self::RetryForced => 26,
            Self::Continue => 27,
        }
    }

    /// Name of the event in messages and logs.
    pub fn name(&self) -> &'static str {
        Self::NAMES[self.number()]
    }

    /// Reason of a failing event, empty for the others.
    pub fn error(&self) -> &str {
        match self {
            Self::PrepareOrdersFailed(failure)
            | Self::SendOrdersFailed(failure)
            | Self::ConsolidationFailed(failure)
            | Self::ConsolidationRetryFailed(failure)
            | Self::ConsolidationIndexingFailed(failure)
            | Self::SwapDatasetsFailed(failure)
            | Self::StartDeletionFailed(failure)
            | Self::DeletionNotReady(failure)
            | Self::RemovalFailed(failure)
            | Self::DeletionFailed(failure)
            | Self::CancellationFailed(failure)
            | Self::RollbackFailed(failure) => failure.as_str(),
            Self::JobCreated
            | Self::OrdersPrepared
            | Self::ConsolidationDone
            | Self::ConsolidationIndexed
            | Self::DatasetsSwapped
            | Self::DeletionStarted
            | Self::DeletionReady
            | Self::RemovalDone
            | Self::DeletionDone
            | Self::CancelledByUser
            | Self::CancelledByUserForced
            | Self::CancellationDone
            | Self::RollbackDone
            | Self::Retried
            | Self::RetryForced
            | Self::Continue => "",
        }
    }

    /// Whether it is what a user wants of the job, and not what happened to it.
    pub fn is_command(&self) -> bool {
        matches!(
            self,
            Self::CancelledByUser
                | Self::CancelledByUserForced
                | Self::Retried
                | Self::RetryForced
                | Self::Continue
        )
    }

    /// Event of a number, with its reason: not empty for a failing event, empty for the others.
    pub fn from_number(number: usize, error: &str) -> Option<Self> {
        let failure = || (!error.is_empty()).then(|| Failure(error.to_owned()));
        let plain = |status: Self| error.is_empty().then_some(status);
        match number {
            0 => plain(Self::JobCreated),
            1 => plain(Self::OrdersPrepared),
            2 => failure().map(Self::PrepareOrdersFailed),
            3 => failure().map(Self::SendOrdersFailed),
            4 => plain(Self::ConsolidationDone),
            5 => failure().map(Self::ConsolidationFailed),
            6 => failure().map(Self::ConsolidationRetryFailed),
            7 => plain(Self::ConsolidationIndexed),
            8 => failure().map(Self::ConsolidationIndexingFailed),
            9 => plain(Self::DatasetsSwapped),
            10 => failure().map(Self::SwapDatasetsFailed),
            11 => plain(Self::DeletionStarted),
            12 => failure().map(Self::StartDeletionFailed),
            13 => plain(Self::DeletionReady),
            14 => failure().map(Self::DeletionNotReady),
            15 => plain(Self::RemovalDone),
            16 => plain(Self::DeletionDone),
            17 => failure().map(Self::RemovalFailed),
            18 => failure().map(Self::DeletionFailed),
            19 => plain(Self::CancelledByUser),
            20 => plain(Self::CancelledByUserForced),
            21 => failure().map(Self::CancellationFailed),
            22 => plain(Self::CancellationDone),
            23 => failure().map(Self::RollbackFailed),
            24 => plain(Self::RollbackDone),
            25 => plain(Self::Retried),
            26 => plain(Self::RetryForced),
            27 => plain(Self::Continue),
            _ => None,
        }
    }

    /// Number of a name, in any letter case.
    pub fn number_of(name: &str) -> Option<usize> {
        Self::NAMES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
