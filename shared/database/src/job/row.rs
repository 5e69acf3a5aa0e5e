//! Rows of jobs.

use crate::{Error, Result, convert};
use chrono::NaiveDateTime;
use domain::{
    EventId, Instant, RunId,
    job::{ExecutionLevel, Job, JobState, JobType, TaskCounters},
};
use serde_json::Value;
use uuid::Uuid;

/// Columns of [`JobRow`].
pub(super) const JOB: &str = "id, name, creation_ts, last_update_ts, payload, state, type AS job_type,
    active_tasks, failed_tasks, execution_level, waiting, revision, row_version, last_event_id, last_event,
    action_revision, action_run_id, coalesce(action_lease_until > clock_timestamp(), false) AS action_live,
    coalesce(entered_ts, last_update_ts) AS entered_ts";

/// A job with what its delivery needs.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredJob {
    /// The job.
    pub job: Job,
    /// When it entered its present revision.
    pub entered: Instant,
    /// Guard of [`super::update`].
    pub row_version: i64,
    /// The event that led to the present revision.
    pub last_event: Option<LastEvent>,
    /// The last revision whose entry action is finished.
    pub action_revision: i64,
    /// Who runs or ran the entry action of the present revision.
    pub action_run: Option<RunId>,
    /// Whether the lease of `action_run` was live when the row was read.
    pub action_live: bool,
}

/// A handled event, as it can be sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct LastEvent {
    /// Its identity.
    pub id: EventId,
    /// Its JSON form.
    pub payload: Value,
}

impl StoredJob {
    /// Whether the entry action of the present revision is finished.
    pub fn action_finished(&self) -> bool {
        self.action_revision >= self.job.revision
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct JobRow {
    id: Uuid,
    name: String,
    creation_ts: NaiveDateTime,
    last_update_ts: NaiveDateTime,
    payload: Value,
    state: String,
    job_type: String,
    active_tasks: i32,
    failed_tasks: i32,
    execution_level: i32,
    waiting: bool,
    revision: i64,
    row_version: i64,
    last_event_id: Option<Uuid>,
    last_event: Option<Value>,
    action_revision: i64,
    action_run_id: Option<Uuid>,
    action_live: bool,
    entered_ts: NaiveDateTime,
}

impl TryFrom<JobRow> for StoredJob {
    type Error = Error;

    fn try_from(row: JobRow) -> Result<Self> {
        // jobs of an adopted database may hold any number; those beyond the last one pause everywhere
        let level = ExecutionLevel::from_number(row.execution_level.max(0))
            .unwrap_or(ExecutionLevel::StepByStepAll);
        let payload = serde_json::from_value(row.payload)
            .map_err(|error| Error::corrupt(format!("payload of job {}: {error}", row.id)))?;
        let last_event = row.last_event_id.map(|id| LastEvent {
            id: id.into(),
            payload: row.last_event.unwrap_or_default(),
        });
        Ok(Self {
            job: Job {
                id: row.id.into(),
                name: row.name,
                job_type: convert::name("type", &row.job_type, JobType::from_name)?,
                state: convert::name("state", &row.state, JobState::from_name)?,
                creation: convert::instant(row.creation_ts),
                last_update: convert::instant(row.last_update_ts),
                payload,
                execution_level: level,
                waiting: row.waiting,
                counters: TaskCounters {
                    active: convert::count(row.active_tasks.into()) as u32,
                    failed: convert::count(row.failed_tasks.into()) as u32,
                },
                revision: row.revision,
            },
            entered: convert::instant(row.entered_ts),
            row_version: row.row_version,
            last_event,
            action_revision: row.action_revision,
            action_run: row.action_run_id.map(RunId::from),
            action_live: row.action_live,
        })
    }
}
