//! What workers left behind.

use super::{Order, status_of};
use crate::{Error, Result};
use domain::{RunId, job::TaskStatus};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A run whose result was stored, but perhaps not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedRun {
    /// What was run.
    pub order: Order,
    /// Which run.
    pub run: RunId,
    /// How it ended.
    pub status: TaskStatus,
    /// Why, when it failed.
    pub error: String,
}

/// Orders to send again: their lease expired longer ago than `grace`, without any delivery since.
/// They count as delivered now. At most `limit`.
pub async fn take_abandoned(
    conn: &mut PgConnection,
    grace: Duration,
    limit: u32,
) -> Result<Vec<Order>> {
    let rows: Vec<(Uuid, Uuid, i32)> = sqlx::query_as(
        "UPDATE geocube.task_leases SET last_delivery_at = clock_timestamp()
         WHERE task_id IN (
             SELECT task_id FROM geocube.task_leases
             WHERE status = 'RUNNING' AND lease_until < clock_timestamp() - make_interval(secs => $1)
                 AND last_delivery_at < clock_timestamp() - make_interval(secs => $1)
                 AND EXISTS (SELECT FROM geocube.tasks t WHERE t.id = task_id AND t.state = 'PENDING')
             ORDER BY lease_until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
         )
         RETURNING job_id, task_id, attempt",
    )
    .bind(grace.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(order).collect())
}

/// Results to publish, their rows locked until the end of the transaction: those stored longer ago
/// than `grace` and not noted as published, and, after ten times as long (half a minute at least),
/// those that were published but changed nothing, because the queue gave them up. At most `limit`.
pub async fn take_unpublished(
    conn: &mut PgConnection,
    grace: Duration,
    limit: u32,
) -> Result<Vec<FinishedRun>> {
    let rows: Vec<FinishedRow> = sqlx::query_as(
        "UPDATE geocube.task_leases SET last_delivery_at = clock_timestamp()
         WHERE task_id IN (
             SELECT task_id FROM geocube.task_leases
             WHERE NOT published AND finished_at < clock_timestamp() - make_interval(secs => $1)
             UNION ALL
             SELECT l.task_id FROM geocube.task_leases l
             JOIN geocube.tasks t ON t.id = l.task_id AND t.attempt = l.attempt AND t.state = 'PENDING'
             JOIN geocube.jobs j ON j.id = t.job_id AND j.state IN
                 ('CONSOLIDATIONINPROGRESS', 'CONSOLIDATIONRETRYING', 'CONSOLIDATIONFORCERETRYING')
             WHERE l.published AND l.status IN ('SUCCEEDED', 'FAILED', 'IGNORED')
                 AND greatest(l.finished_at, l.last_delivery_at)
                     < clock_timestamp() - make_interval(secs => greatest(10 * $1, 30))
             LIMIT $2
         )
         RETURNING job_id, task_id, attempt, run_id, status, error",
    )
    .bind(grace.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn order((job, task, attempt): (Uuid, Uuid, i32)) -> Order {
    Order {
        job: job.into(),
        task: task.into(),
        attempt,
    }
}

#[derive(sqlx::FromRow)]
struct FinishedRow {
    job_id: Uuid,
    task_id: Uuid,
    attempt: i32,
    run_id: Uuid,
    status: String,
    error: String,
}

impl TryFrom<FinishedRow> for FinishedRun {
    type Error = Error;

    fn try_from(row: FinishedRow) -> Result<Self> {
        let status = status_of(&row.status)?
            .ok_or_else(|| Error::corrupt("a lease is RUNNING although it has finished_at"))?;
        Ok(Self {
            order: order((row.job_id, row.task_id, row.attempt)),
            run: row.run_id.into(),
            status,
            error: row.error,
        })
    }
}
