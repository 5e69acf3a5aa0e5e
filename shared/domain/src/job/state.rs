//! States of jobs.

use super::StepLevel;
use crate::{Error, Result};
use std::fmt;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum JobType {
    /// Rewrites datasets into the tiled files of a layout.
    Consolidation = 0,
    /// Reserved: no such job runs.
    Ingestion = 1,
    /// Removes datasets, then their files.
    Deletion = 2,
}

impl JobType {
    /// Every type, in the order of the numbers.
    pub const ALL: [Self; 3] = [Self::Consolidation, Self::Ingestion, Self::Deletion];

    /// Name, as stored and as clients see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consolidation => "CONSOLIDATION",
            Self::Ingestion => "INGESTION",
            Self::Deletion => "DELETION",
        }
    }

    /// Reads a name in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for JobType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a job is. Clients compare the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum JobState {
    /// Stored, nothing done yet.
    New = 0,
    /// Being prepared: planning of a consolidation, flagging of the datasets of a deletion.
    Created = 1,
    /// The files are being written by the workers.
    ConsolidationInProgress = 2,
    /// The files are written and are being indexed.
    ConsolidationDone = 3,
    /// The files are indexed and take the place of the former ones.
    ConsolidationIndexed = 4,
    /// The new files are visible; the former ones go to a deletion job.
    ConsolidationEffective = 5,
    /// Something failed; awaits a command.
    ConsolidationFailed = 6,
    /// The failed tasks are being reset.
    ConsolidationRetrying = 7,
    /// All the unfinished tasks are being reset.
    ConsolidationForceRetrying = 8,
    /// The workers are being told to stop.
    ConsolidationCancelling = 9,
    /// The datasets are being removed.
    DeletionInProgress = 10,
    /// The datasets are gone; the files are being deleted.
    DeletionEffective = 11,
    /// The datasets could not be removed; awaits a command.
    DeletionFailed = 12,
    /// Finished.
    Done = 13,
    /// Given up, everything as before.
    Failed = 14,
    /// The preparation failed; awaits a command.
    InitialisationFailed = 15,
    /// The workers could not be told to stop; awaits a command.
    CancellationFailed = 16,
    /// Being rolled back.
    Aborted = 17,
    /// The rollback failed; awaits a command.
    RollbackFailed = 18,
    /// Finished, but files or datasets are left behind.
    DoneButUntidy = 19,
}

impl JobState {
    /// Every state, in the order of the numbers.
    pub const ALL: [Self; 20] = [
        Self::New,
        Self::Created,
        Self::ConsolidationInProgress,
        Self::ConsolidationDone,
        Self::ConsolidationIndexed,
        Self::ConsolidationEffective,
        Self::ConsolidationFailed,
        Self::ConsolidationRetrying,
        Self::ConsolidationForceRetrying,
        Self::ConsolidationCancelling,
        Self::DeletionInProgress,
        Self::DeletionEffective,
        Self::DeletionFailed,
        Self::Done,
        Self::Failed,
        Self::InitialisationFailed,
        Self::CancellationFailed,
        Self::Aborted,
        Self::RollbackFailed,
        Self::DoneButUntidy,
    ];

    /// Name, as stored and as clients compare it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Created => "CREATED",
            Self::ConsolidationInProgress => "CONSOLIDATIONINPROGRESS",
            Self::ConsolidationDone => "CONSOLIDATIONDONE",
            Self::ConsolidationIndexed => "CONSOLIDATIONINDEXED",
            Self::ConsolidationEffective => "CONSOLIDATIONEFFECTIVE",
            Self::ConsolidationFailed => "CONSOLIDATIONFAILED",
            Self::ConsolidationRetrying => "CONSOLIDATIONRETRYING",
            Self::ConsolidationForceRetrying => "CONSOLIDATIONFORCERETRYING",
            Self::ConsolidationCancelling => "CONSOLIDATIONCANCELLING",
            Self::DeletionInProgress => "DELETIONINPROGRESS",
            Self::DeletionEffective => "DELETIONEFFECTIVE",
            Self::DeletionFailed => "DELETIONFAILED",
            Self::Done => "DONE",
            Self::Failed => "FAILED",
            Self::InitialisationFailed => "INITIALISATIONFAILED",
            Self::CancellationFailed => "CANCELLATIONFAILED",
            Self::Aborted => "ABORTED",
            Self::RollbackFailed => "ROLLBACKFAILED",
            Self::DoneButUntidy => "DONEBUTUNTIDY",
        }
    }

    /// Reads a name in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.name().eq_ignore_ascii_case(name))
    }

    /// States of the jobs to clean: DONE and FAILED, or the one that `text` names.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a text that is neither empty nor DONE, FAILED or DONEBUTUNTIDY, in
    /// any letter case.
    pub fn to_clean(text: &str) -> Result<Vec<Self>> {
        if text.is_empty() {
            return Ok(vec![Self::Done, Self::Failed]);
        }
        Self::from_name(text)
            .filter(|state| state.step_level() == StepLevel::Never)
            .map(|state| vec![state])
            .ok_or_else(|| {
                let text: String = text.chars().take(64).collect();
                Error::invalid(format!(
                    "state: {text:?}, expected DONE, FAILED or DONEBUTUNTIDY"
                ))
            })
    }

    /// How much the state matters to somebody who follows a job step by step.
    pub fn step_level(self) -> StepLevel {
        match self {
            Self::ConsolidationInProgress
            | Self::ConsolidationEffective
            | Self::DeletionInProgress => StepLevel::Critical,
            Self::Created
            | Self::ConsolidationDone
            | Self::ConsolidationRetrying
            | Self::ConsolidationForceRetrying
            | Self::ConsolidationCancelling
            | Self::DeletionEffective
            | Self::Aborted => StepLevel::Major,
            Self::New
            | Self::ConsolidationIndexed
            | Self::ConsolidationFailed
            | Self::DeletionFailed
            | Self::InitialisationFailed
            | Self::CancellationFailed
            | Self::RollbackFailed => StepLevel::All,
            Self::Done | Self::Failed | Self::DoneButUntidy => StepLevel::Never,
        }
    }

    /// Whether no event leads out of the state.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }

    /// Whether a forced retry runs the entry action again instead of changing the state.
    pub fn reruns_when_forced(self) -> bool {
        match self {
            Self::New
            | Self::Created
            | Self::ConsolidationDone
            | Self::ConsolidationIndexed
            | Self::ConsolidationEffective
            | Self::ConsolidationRetrying
            | Self::ConsolidationForceRetrying
            | Self::ConsolidationCancelling
            | Self::DeletionInProgress
            | Self::DeletionEffective
            | Self::Aborted => true,
            Self::ConsolidationInProgress
            | Self::ConsolidationFailed
            | Self::DeletionFailed
            | Self::Done
            | Self::Failed
            | Self::InitialisationFailed
            | Self::CancellationFailed
            | Self::RollbackFailed
            | Self::DoneButUntidy => false,
        }
    }

    /// Whether a job of this type can be in the state.
    pub fn is_of(self, job_type: JobType) -> bool {
        let (consolidation, deletion) = match self {
            Self::New
            | Self::Created
            | Self::Done
            | Self::Failed
            | Self::InitialisationFailed
            | Self::Aborted
            | Self::RollbackFailed
            | Self::DoneButUntidy => (true, true),
            Self::ConsolidationInProgress
            | Self::ConsolidationDone
            | Self::ConsolidationIndexed
            | Self::ConsolidationEffective
            | Self::ConsolidationFailed
            | Self::ConsolidationRetrying
            | Self::ConsolidationForceRetrying
            | Self::ConsolidationCancelling
            | Self::CancellationFailed => (true, false),
            Self::DeletionInProgress | Self::DeletionEffective | Self::DeletionFailed => {
                (false, true)
            }
        };
        match job_type {
            JobType::Consolidation => consolidation,
            JobType::Deletion => deletion,
            JobType::Ingestion => false,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
