//! Leases of entry actions: each revision's action is run by one holder at a time.

use super::{
    StoredJob,
    row::{JOB, JobRow},
};
use crate::{Error, Result};
use domain::{EventId, JobId, RunId, job::JobEvent};
use serde_json::Value;
use sqlx::{PgConnection, QueryBuilder};
use std::time::Duration;

/// Notes the event that led to the revision just stored by [`super::update`], and gives its entry
/// action to `run` for the time of `lease`, taking it away from whoever had it.
pub async fn record_event(
    conn: &mut PgConnection,
    id: JobId,
    event: EventId,
    payload: &Value,
    run: RunId,
    lease: Duration,
) -> Result<()> {
    sqlx::query(
        "UPDATE geocube.jobs SET last_event_id = $2, last_event = $3, action_run_id = $4,
             action_lease_until = clock_timestamp() + make_interval(secs => $5)
         WHERE id = $1",
    )
    .bind(id.uuid())
    .bind(event.uuid())
    .bind(payload)
    .bind(run.uuid())
    .bind(lease.as_secs_f64())
    .execute(&mut *conn)
    .await?;
    crate::processed_event::record(conn, event, id).await?;
    Ok(())
}

/// Gives the unfinished entry action of `revision` to `run`, unless somebody holds it or the job
/// has moved on or waits for its user; whether it did.
pub async fn take_action(
    conn: &mut PgConnection,
    id: JobId,
    revision: i64,
    run: RunId,
    lease: Duration,
) -> Result<bool> {
    let taken = sqlx::query(
        "UPDATE geocube.jobs SET action_run_id = $3,
             action_lease_until = clock_timestamp() + make_interval(secs => $4)
         WHERE id = $1 AND revision = $2 AND action_revision < revision AND NOT waiting
             AND (action_lease_until IS NULL OR action_lease_until <= clock_timestamp())",
    )
    .bind(id.uuid())
    .bind(revision)
    .bind(run.uuid())
    .bind(lease.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Prolongs the lease of `run`, or ends it with a lease of zero; whether `run` still had it.
pub async fn extend_action(
    conn: &mut PgConnection,
    id: JobId,
    run: RunId,
    lease: Duration,
) -> Result<bool> {
    let extended = sqlx::query(
        "UPDATE geocube.jobs SET action_lease_until = clock_timestamp() + make_interval(secs => $3)
         WHERE id = $1 AND action_run_id = $2",
    )
    .bind(id.uuid())
    .bind(run.uuid())
    .bind(lease.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(extended.rows_affected() == 1)
}

/// Notes that the entry action of the present revision is finished; whether `run` still had it.
/// In the transaction that puts the follow-up into the outbox.
pub async fn finish_action(conn: &mut PgConnection, id: JobId, run: RunId) -> Result<bool> {
    let finished = sqlx::query(
        "UPDATE geocube.jobs SET action_revision = revision, action_run_id = NULL, action_lease_until = NULL
         WHERE id = $1 AND action_run_id = $2",
    )
    .bind(id.uuid())
    .bind(run.uuid())
    .execute(conn)
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// Keeps the event that follows from the present state of its job, to be sent again until it leads to another revision. In
/// the transaction that puts it into the outbox.
pub async fn set_follow_up(conn: &mut PgConnection, event: &JobEvent) -> Result<()> {
    let payload: Value =
        serde_json::from_slice(&event.to_json()).map_err(|error| Error::Internal {
            source: error.into(),
        })?;
    sqlx::query(
        "UPDATE geocube.jobs SET follow_up = $2, follow_up_at = clock_timestamp() WHERE id = $1",
    )
    .bind(event.job_id.uuid())
    .bind(payload)
    .execute(conn)
    .await?;
    Ok(())
}

/// Events that follow from the states of jobs and were sent longer ago than `idle`, but were not handled so far, in their
/// JSON form. They count as sent now. At most `limit`, the oldest first.
pub async fn take_follow_ups(
    conn: &mut PgConnection,
    idle: Duration,
    limit: u32,
) -> Result<Vec<Value>> {
    Ok(sqlx::query_scalar(
        "UPDATE geocube.jobs SET follow_up_at = clock_timestamp() WHERE id IN (
             SELECT id FROM geocube.jobs
             WHERE follow_up IS NOT NULL AND NOT waiting
                 AND follow_up_at <= clock_timestamp() - make_interval(secs => $1)
                 AND (action_lease_until IS NULL OR action_lease_until <= clock_timestamp())
             ORDER BY follow_up_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
         )
         RETURNING follow_up",
    )
    .bind(idle.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?)
}

/// Jobs that should move but do not: their entry action is not finished, nobody runs it, they do
/// not wait for their user, and nothing has changed for the time of `idle`. They count as swept now,
/// and are not found again for the time of `idle`. At most `limit`, the longest idle first.
pub async fn take_stalled(
    conn: &mut PgConnection,
    idle: Duration,
    limit: u32,
) -> Result<Vec<StoredJob>> {
    let mut sql = QueryBuilder::new(
        "UPDATE geocube.jobs SET swept_at = clock_timestamp() WHERE id IN (
             SELECT id FROM geocube.jobs
             WHERE action_revision < revision AND NOT waiting AND last_event_id IS NOT NULL
                 AND (action_lease_until IS NULL OR action_lease_until <= clock_timestamp())
                 AND last_update_ts < clock_timestamp() AT TIME ZONE 'UTC' - make_interval(secs => ",
    );
    sql.push_bind(idle.as_secs_f64());
    sql.push(") AND (swept_at IS NULL OR swept_at <= clock_timestamp() - make_interval(secs => ");
    sql.push_bind(idle.as_secs_f64());
    sql.push(")) ORDER BY last_update_ts LIMIT ")
        .push_bind(i64::from(limit));
    sql.push(" FOR NO KEY UPDATE SKIP LOCKED) RETURNING ")
        .push(JOB);
    let rows: Vec<JobRow> = sql.build_query_as().fetch_all(conn).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
