//! Files that jobs write, noted before they are written, so that what is left of them is found.

use crate::Result;
use crate::lease::Heartbeat;
use domain::{JobId, RunId, TaskId, Uri};
use sqlx::PgConnection;
use std::time::Duration;

/// Notes the part file and the final file of a run, and prolongs its lease as [`heartbeat`](crate::lease::heartbeat) does; `None`, and nothing is
/// noted, when it is lost.
pub async fn note_output(
    conn: &mut PgConnection,
    task: TaskId,
    run: RunId,
    lease: Duration,
    [part, target]: [&Uri; 2],
) -> Result<Option<Heartbeat>> {
    let row: Option<(bool, Option<String>)> = sqlx::query_as(
        "WITH held AS (
             UPDATE geocube.task_leases l SET lease_until = clock_timestamp() + make_interval(secs => $5)
             WHERE task_id = $1 AND run_id = $2 AND status = 'RUNNING'
             RETURNING job_id, cancel_requested, (SELECT state FROM geocube.jobs j WHERE j.id = l.job_id) AS state
         ), noted AS (
             INSERT INTO geocube.noted_files (uri, job_id, run_id)
             SELECT given.uri, held.job_id, given.run_id
             FROM held, (VALUES ($3, $2), ($4, NULL::uuid)) AS given (uri, run_id)
             ON CONFLICT (uri) DO UPDATE SET noted_at = now(), job_id = EXCLUDED.job_id, run_id = EXCLUDED.run_id
         )
         SELECT cancel_requested, state FROM held",
    )
    .bind(task.uuid())
    .bind(run.uuid())
    .bind(part.as_str())
    .bind(target.as_str())
    .bind(lease.as_secs_f64())
    .fetch_optional(conn)
    .await?;
    row.map(Heartbeat::read).transpose()
}

/// Notes files of a job that no run of an order writes: the markers of its cancelled tasks, and what it leaves when it is removed.
pub async fn note_files(conn: &mut PgConnection, job: JobId, files: &[Uri]) -> Result<()> {
    let uris: Vec<&str> = files.iter().map(Uri::as_str).collect();
    sqlx::query(
        "INSERT INTO geocube.noted_files (uri, job_id) SELECT uri, $1 FROM UNNEST($2::text[]) AS given (uri)
         ON CONFLICT (uri) DO NOTHING",
    )
    .bind(job.uuid())
    .bind(uris)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the part file of a run: it is known not to exist any more.
pub async fn forget_part(conn: &mut PgConnection, run: RunId) -> Result<()> {
    sqlx::query("DELETE FROM geocube.noted_files WHERE run_id = $1")
        .bind(run.uuid())
        .execute(conn)
        .await?;
    Ok(())
}

/// Part files noted longer ago than `age` whose run does not hold its order any more, their rows locked until the end of the
/// transaction. Those that were not tried yet come first; at most `limit`.
pub async fn take_parts(conn: &mut PgConnection, age: Duration, limit: u32) -> Result<Vec<Uri>> {
    let uris: Vec<String> = sqlx::query_scalar(
        "SELECT uri FROM geocube.noted_files n
         WHERE run_id IS NOT NULL AND noted_at < clock_timestamp() - make_interval(secs => $1)
             AND NOT EXISTS (
                 SELECT FROM geocube.task_leases l WHERE l.job_id = n.job_id AND l.run_id = n.run_id
                     AND l.status = 'RUNNING' AND l.lease_until > clock_timestamp()
             )
         ORDER BY swept_at NULLS FIRST LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(age.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    Ok(uris.into_iter().map(Uri::from_stored).collect())
}

/// Final files and markers of jobs that are over, without those in the catalogue; their rows locked until the end of
/// the transaction. As long as a part file of the job is noted, somebody may still move it to its final name, and nothing of
/// the job is taken. At most `limit`, those that were not tried yet first.
pub async fn take_outputs(conn: &mut PgConnection, limit: u32) -> Result<Vec<Uri>> {
    sqlx::query(
        "DELETE FROM geocube.noted_files n USING geocube.containers c
         WHERE c.uri = n.uri AND n.run_id IS NULL
             AND NOT EXISTS (SELECT FROM geocube.noted_files p WHERE p.job_id = n.job_id AND p.run_id IS NOT NULL)
             AND NOT EXISTS (
                 SELECT FROM geocube.jobs j WHERE j.id = n.job_id
                     AND j.state NOT IN ('DONE', 'FAILED', 'DONEBUTUNTIDY')
             )",
    )
    .execute(&mut *conn)
    .await?;
    let uris: Vec<String> = sqlx::query_scalar(
        "SELECT uri FROM geocube.noted_files n
         WHERE run_id IS NULL
             AND NOT EXISTS (SELECT FROM geocube.noted_files p WHERE p.job_id = n.job_id AND p.run_id IS NOT NULL)
             AND NOT EXISTS (
                 SELECT FROM geocube.jobs j WHERE j.id = n.job_id
                     AND j.state NOT IN ('DONE', 'FAILED', 'DONEBUTUNTIDY')
             )
             AND NOT EXISTS (SELECT FROM geocube.containers c WHERE c.uri = n.uri)
         ORDER BY swept_at NULLS FIRST LIMIT $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    Ok(uris.into_iter().map(Uri::from_stored).collect())
}

/// Stores what became of files that were taken: those that are gone are forgotten, the others wait for their next turn.
pub async fn settle(conn: &mut PgConnection, gone: &[Uri], left: &[Uri]) -> Result<()> {
    let texts = |uris: &[Uri]| -> Vec<String> { uris.iter().map(ToString::to_string).collect() };
    sqlx::query("DELETE FROM geocube.noted_files WHERE uri = ANY($1)")
        .bind(texts(gone))
        .execute(&mut *conn)
        .await?;
    sqlx::query("UPDATE geocube.noted_files SET swept_at = clock_timestamp() WHERE uri = ANY($1)")
        .bind(texts(left))
        .execute(conn)
        .await?;
    Ok(())
}
