//! The job itself.

use super::{ExecutionLevel, JobState, JobType, TaskState};
use crate::{Error, InstanceId, Instant, JobId, RecordId, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a job was asked to do; never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobPayload {
    /// Name of the layout of the produced files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Instance whose datasets are consolidated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
    /// Private copy of the consolidation parameters: the id of the job itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params_id: Option<JobId>,
    /// Record into which all the others are merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapse_record_id: Option<RecordId>,
}

/// Numbers of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounters {
    /// Tasks NEW or PENDING.
    pub active: u32,
    /// Tasks FAILED.
    pub failed: u32,
}

impl TaskCounters {
    /// Counts the states of all the tasks of a job.
    pub fn of(states: impl IntoIterator<Item = TaskState>) -> Self {
        let mut counters = Self::default();
        for state in states {
            counters = counters.plus(state);
        }
        counters
    }

    /// The counters after one task went from one state to another.
    pub fn moved(self, from: TaskState, to: TaskState) -> Self {
        let left = match from {
            TaskState::New | TaskState::Pending => Self {
                active: self.active.saturating_sub(1),
                ..self
            },
            TaskState::Failed => Self {
                failed: self.failed.saturating_sub(1),
                ..self
            },
            TaskState::Done | TaskState::Cancelled => self,
        };
        left.plus(to)
    }

    fn plus(self, state: TaskState) -> Self {
        match state {
            TaskState::New | TaskState::Pending => Self {
                active: self.active.saturating_add(1),
                ..self
            },
            TaskState::Failed => Self {
                failed: self.failed.saturating_add(1),
                ..self
            },
            TaskState::Done | TaskState::Cancelled => self,
        }
    }
}

/// A persistent state machine that changes datasets under lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Identifier.
    pub id: JobId,
    /// Unique name.
    pub name: String,
    /// What it does.
    pub job_type: JobType,
    /// Where it is.
    pub state: JobState,
    /// When it was created.
    pub creation: Instant,
    /// When it last changed.
    pub last_update: Instant,
    /// What it was asked to do.
    pub payload: JobPayload,
    /// Where it pauses.
    pub execution_level: ExecutionLevel,
    /// Whether it pauses before the entry action of `state`.
    pub waiting: bool,
    /// Numbers of its tasks.
    pub counters: TaskCounters,
    /// Number of handled events.
    pub revision: i64,
}

impl Job {
    /// A consolidation job in state NEW, whose parameters are copied under its own id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the synchronous level: a consolidation waits for workers.
    pub fn consolidation(
        name: String,
        layout: String,
        instance_id: InstanceId,
        collapse_record_id: Option<RecordId>,
        execution_level: ExecutionLevel,
        now: Instant,
    ) -> Result<Self> {
        if execution_level == ExecutionLevel::Synchronous {
            return Err(Error::invalid(
                "execution_level: ExecutionSynchronous is not possible for a consolidation, expected another level",
            ));
        }
        let mut job = Self::new(name, JobType::Consolidation, execution_level, now);
        job.payload = JobPayload {
            layout: Some(layout),
            instance_id: Some(instance_id),
            params_id: Some(job.id),
            collapse_record_id,
        };
        Ok(job)
    }

    /// A deletion job in state NEW; without a name it gets a random one.
    pub fn deletion(name: String, execution_level: ExecutionLevel, now: Instant) -> Self {
        let name = if name.is_empty() {
            Uuid::new_v4().to_string()
        } else {
            name
        };
        Self::new(name, JobType::Deletion, execution_level, now)
    }

    /// The asynchronous deletion job that removes what this consolidation replaced.
    pub fn deletion_of_replaced(&self, now: Instant) -> Self {
        let name = format!("{}_deletion_{}", self.name, Uuid::new_v4());
        Self::deletion(name, ExecutionLevel::Asynchronous, now)
    }

    fn new(name: String, job_type: JobType, execution_level: ExecutionLevel, now: Instant) -> Self {
        Self {
            id: JobId::new(),
            name,
            job_type,
            state: JobState::New,
            creation: now,
            last_update: now,
            payload: JobPayload::default(),
            execution_level,
            waiting: false,
            counters: TaskCounters::default(),
            revision: 0,
        }
    }
}
