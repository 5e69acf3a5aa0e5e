//! Leases of consolidation orders: a file is written by one worker at a time.
//!
//! Only the clock of the database counts. A lease row outlives its task, so that late messages are
//! recognised.

mod sweep;

pub use sweep::{FinishedRun, take_abandoned, take_unpublished};

use crate::{Error, Result, convert};
use domain::{
    JobId, RunId, TaskId,
    job::{JobState, TaskStatus},
};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// An order that a worker received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Job of the task.
    pub job: JobId,
    /// Task.
    pub task: TaskId,
    /// Epoch of the order.
    pub attempt: i32,
}

/// What a worker does with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquisition {
    /// Run it: the lease is held.
    Run {
        /// Number of runs of this attempt, this one included.
        starts: u32,
        /// Whether the user has cancelled the job meanwhile.
        cancel_requested: bool,
    },
    /// Another worker runs it.
    Busy,
    /// It is done, replaced by a newer one, or the job needs it no more.
    Duplicate,
    /// It was run, but its result may not have been published: publish it.
    Publish {
        /// The run that ended.
        run: RunId,
        /// How it ended.
        status: TaskStatus,
        /// Why, when it failed.
        error: String,
    },
}

/// Takes the lease of an order for `run`, if it is free or expired and the job still needs the
/// order: its task is not over, and at no later attempt. One statement: of several callers, one runs the order.
///
/// `owner` names the worker, for diagnosis.
pub async fn acquire(
    conn: &mut PgConnection,
    order: &Order,
    run: RunId,
    owner: &str,
    lease: Duration,
) -> Result<Acquisition> {
    let row: Option<LeaseRow> = sqlx::query_as(
        "INSERT INTO geocube.task_leases AS l (task_id, job_id, attempt, status, run_id, owner, lease_until)
         SELECT t.id, j.id, $3, 'RUNNING', $4, $5, clock_timestamp() + make_interval(secs => $6)
         FROM geocube.tasks t JOIN geocube.jobs j ON j.id = t.job_id
         WHERE t.id = $1 AND j.id = $2 AND t.attempt <= $3 AND t.state IN ('NEW', 'PENDING') AND j.state IN
             ('CONSOLIDATIONINPROGRESS', 'CONSOLIDATIONRETRYING', 'CONSOLIDATIONFORCERETRYING')
         ON CONFLICT (task_id) DO UPDATE SET
             (attempt, status, run_id, owner, starts, lease_until, started_at, finished_at, error, published,
                 cancel_requested, deliveries, last_delivery_at) = (
                 SELECT
                     greatest(l.attempt, EXCLUDED.attempt),
                     CASE WHEN free THEN 'RUNNING' ELSE l.status END,
                     CASE WHEN free THEN EXCLUDED.run_id ELSE l.run_id END,
                     CASE WHEN free THEN EXCLUDED.owner ELSE l.owner END,
                     CASE WHEN newer THEN 1 WHEN free THEN l.starts + 1 ELSE l.starts END,
                     CASE WHEN free THEN EXCLUDED.lease_until ELSE l.lease_until END,
                     CASE WHEN free THEN EXCLUDED.started_at ELSE l.started_at END,
                     CASE WHEN free THEN NULL ELSE l.finished_at END,
                     CASE WHEN free THEN '' ELSE l.error END,
                     l.published AND NOT free,
                     l.cancel_requested AND NOT newer,
                     CASE WHEN newer THEN 1 ELSE l.deliveries + 1 END,
                     clock_timestamp()
                 FROM (SELECT l.attempt < EXCLUDED.attempt AS newer,
                     l.attempt < EXCLUDED.attempt OR (l.attempt = EXCLUDED.attempt
                         AND l.status = 'RUNNING' AND l.lease_until < clock_timestamp()) AS free) AS verdict
             )
         RETURNING attempt, status, run_id, starts, error, published, cancel_requested",
    )
    .bind(order.task.uuid())
    .bind(order.job.uuid())
    .bind(order.attempt)
    .bind(run.uuid())
    .bind(owner)
    .bind(lease.as_secs_f64())
    .fetch_optional(conn)
    .await?;
    match row {
        None => Ok(Acquisition::Duplicate),
        Some(row) => row.outcome(order, run),
    }
}

/// What a worker learns from a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether the user has cancelled the job.
    pub cancel_requested: bool,
    /// State of the job; `None` when it is gone.
    pub job_state: Option<JobState>,
}

/// Prolongs the lease of a run; `None` when it is lost: stop, remove what was written. Not waited for by the disk: what a crash of
/// the server takes away is one missed beat.
pub async fn heartbeat(
    conn: &mut PgConnection,
    task: TaskId,
    run: RunId,
    lease: Duration,
) -> Result<Option<Heartbeat>> {
    let row: Option<(bool, Option<String>)> = sqlx::query_as(
        "UPDATE geocube.task_leases l SET lease_until = clock_timestamp() + make_interval(secs => $3)
         FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed
         WHERE task_id = $1 AND run_id = $2 AND status = 'RUNNING'
         RETURNING cancel_requested, (SELECT state FROM geocube.jobs j WHERE j.id = l.job_id)",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .bind(lease.as_secs_f64())
    .fetch_optional(conn)
    .await?;
    row.map(Heartbeat::read).transpose()
}

impl Heartbeat {
    /// Reads whether to stop, and the name of the state of the job.
    pub(crate) fn read((cancel_requested, state): (bool, Option<String>)) -> Result<Self> {
        let job_state = state
            .map(|name| convert::name("state", &name, JobState::from_name))
            .transpose()?;
        Ok(Self {
            cancel_requested,
            job_state,
        })
    }
}

/// Ends the lease of a run that stops without a result, so that the next delivery starts at once. A run that `counts` not,
/// as nothing went wrong in it, is none of the starts any more.
pub async fn release(
    conn: &mut PgConnection,
    task: TaskId,
    run: RunId,
    counts: bool,
) -> Result<()> {
    sqlx::query(
        "UPDATE geocube.task_leases SET lease_until = clock_timestamp(), starts = starts - $3
         WHERE task_id = $1 AND run_id = $2 AND status = 'RUNNING'",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .bind(i32::from(!counts))
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the result of a run; whether it still had the lease.
pub async fn finish(
    conn: &mut PgConnection,
    task: TaskId,
    run: RunId,
    status: TaskStatus,
    error: &str,
) -> Result<bool> {
    let finished = sqlx::query(
        "UPDATE geocube.task_leases SET status = $3, error = $4, finished_at = clock_timestamp()
         WHERE task_id = $1 AND run_id = $2 AND status = 'RUNNING'",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .bind(status_name(status))
    .bind(error.replace('\0', " "))
    .execute(conn)
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// As [`finish`], for a run whose part file is known not to exist any more: its note is forgotten, whether or not the run still
/// had the lease.
pub async fn finish_without_part(
    conn: &mut PgConnection,
    task: TaskId,
    run: RunId,
    status: TaskStatus,
    error: &str,
) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "WITH finished AS (
             UPDATE geocube.task_leases SET status = $3, error = $4, finished_at = clock_timestamp()
             WHERE task_id = $1 AND run_id = $2 AND status = 'RUNNING' RETURNING task_id
         ), forgotten AS (DELETE FROM geocube.noted_files WHERE run_id = $2)
         SELECT EXISTS (SELECT FROM finished)",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .bind(status_name(status))
    .bind(error.replace('\0', " "))
    .fetch_one(conn)
    .await?)
}

/// Notes that the broker has the result of a run. Not waited for by the disk: a note that a crash of the server takes away
/// makes the result be published again.
pub async fn mark_published(conn: &mut PgConnection, task: TaskId, run: RunId) -> Result<()> {
    sqlx::query(
        "UPDATE geocube.task_leases SET published = true
         FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed
         WHERE task_id = $1 AND run_id = $2",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .execute(conn)
    .await?;
    Ok(())
}

/// Asks the workers of a job to stop: they learn it at their next heartbeat. How many.
pub async fn request_cancel(conn: &mut PgConnection, job: JobId) -> Result<u64> {
    let asked = sqlx::query(
        "UPDATE geocube.task_leases SET cancel_requested = true WHERE job_id = $1 AND status = 'RUNNING'",
    )
    .bind(job.uuid())
    .execute(conn)
    .await?;
    Ok(asked.rows_affected())
}

/// Number of workers of a job that are alive.
pub async fn live_count(conn: &mut PgConnection, job: JobId) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM geocube.task_leases
         WHERE job_id = $1 AND status = 'RUNNING' AND lease_until > clock_timestamp()",
    )
    .bind(job.uuid())
    .fetch_one(conn)
    .await?;
    Ok(convert::count(count))
}

#[derive(sqlx::FromRow)]
struct LeaseRow {
    attempt: i32,
    status: String,
    run_id: Uuid,
    starts: i32,
    error: String,
    published: bool,
    cancel_requested: bool,
}

impl LeaseRow {
    fn outcome(self, order: &Order, run: RunId) -> Result<Acquisition> {
        if self.run_id == run.uuid() {
            let starts = convert::count(self.starts.into()) as u32;
            return Ok(Acquisition::Run {
                starts,
                cancel_requested: self.cancel_requested,
            });
        }
        if self.attempt > order.attempt {
            return Ok(Acquisition::Duplicate);
        }
        Ok(match status_of(&self.status)? {
            None => Acquisition::Busy,
            Some(_) if self.published => Acquisition::Duplicate,
            Some(status) => Acquisition::Publish {
                run: self.run_id.into(),
                status,
                error: self.error,
            },
        })
    }
}

const fn status_name(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::TaskSuccessful => "SUCCEEDED",
        TaskStatus::TaskFailed => "FAILED",
        TaskStatus::TaskIgnored => "IGNORED",
        TaskStatus::TaskCancelled => "CANCELLED",
    }
}

/// Result of a stored status; `None` for RUNNING.
fn status_of(stored: &str) -> Result<Option<TaskStatus>> {
    if stored == "RUNNING" {
        return Ok(None);
    }
    let status = TaskStatus::ALL
        .into_iter()
        .find(|status| status_name(*status) == stored);
    status
        .map(Some)
        .ok_or_else(|| Error::corrupt(format!("column status holds {stored:?}")))
}
