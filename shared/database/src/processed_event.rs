//! Job events that were handled.

use crate::Result;
use domain::{EventId, JobId};
use sqlx::PgConnection;
use std::time::Duration;

/// Notes that an event is handled; `false` when it was already.
pub async fn record(conn: &mut PgConnection, event: EventId, job: JobId) -> Result<bool> {
    let recorded = sqlx::query(
        "INSERT INTO geocube.processed_events (event_id, job_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(event.uuid())
    .bind(job.uuid())
    .execute(conn)
    .await?;
    Ok(recorded.rows_affected() == 1)
}

/// Whether an event was handled.
pub async fn contains(conn: &mut PgConnection, event: EventId) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM geocube.processed_events WHERE event_id = $1)",
    )
    .bind(event.uuid())
    .fetch_one(conn)
    .await?)
}

/// Forgets events handled longer ago than `age`; how many.
pub async fn purge(conn: &mut PgConnection, age: Duration) -> Result<u64> {
    let purged = sqlx::query(
        "DELETE FROM geocube.processed_events WHERE processed_at < clock_timestamp() - make_interval(secs => $1)",
    )
    .bind(age.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(purged.rows_affected())
}
