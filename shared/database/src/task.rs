//! Tasks of jobs.

use crate::{Result, convert};
use domain::{
    JobId, TaskId,
    job::{Task, TaskCounters, TaskState},
};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// Stores new tasks.
pub async fn insert(conn: &mut PgConnection, tasks: &[Task]) -> Result<()> {
    sqlx::query(
        "INSERT INTO geocube.tasks (id, state, payload, job_id, attempt)
         SELECT id, state::geocube.task_state, payload, job_id, attempt
         FROM UNNEST($1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::int[])
             AS given (id, state, payload, job_id, attempt)",
    )
    .bind(column(tasks, |task| task.id.uuid()))
    .bind(column(tasks, |task| task.state.name()))
    .bind(column(tasks, |task| task.payload.as_slice()))
    .bind(column(tasks, |task| task.job_id.uuid()))
    .bind(column(tasks, |task| task.attempt))
    .execute(conn)
    .await?;
    Ok(())
}

/// Tasks of a job in some states, by id, with their payloads.
pub async fn list(conn: &mut PgConnection, job: JobId, states: &[TaskState]) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = sqlx::query_as(
        "SELECT id, state::text, payload, job_id, attempt FROM geocube.tasks
         WHERE job_id = $1 AND state = ANY($2::text[]::geocube.task_state[]) ORDER BY id",
    )
    .bind(job.uuid())
    .bind(names(states))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Tasks of a job in some states, by id, with empty payloads: for decisions on many tasks.
pub async fn list_without_payload(
    conn: &mut PgConnection,
    job: JobId,
    states: &[TaskState],
) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = sqlx::query_as(
        "SELECT id, state::text, ''::bytea AS payload, job_id, attempt FROM geocube.tasks
         WHERE job_id = $1 AND state = ANY($2::text[]::geocube.task_state[]) ORDER BY id",
    )
    .bind(job.uuid())
    .bind(names(states))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Most tasks of a piece, and most bytes of their payloads together, unless the first one is larger.
const PIECE: (i64, i64) = (200, 4 << 20);

/// The next tasks of a job in some states, by id, after the one given: as many as may be in memory together, none at the
/// end.
pub async fn list_piece(
    conn: &mut PgConnection,
    job: JobId,
    states: &[TaskState],
    after: Option<TaskId>,
) -> Result<Vec<Task>> {
    let (tasks, bytes) = PIECE;
    let rows: Vec<TaskRow> = sqlx::query_as(
        "SELECT id, state::text, payload, job_id, attempt FROM geocube.tasks WHERE id IN (
             SELECT id FROM (
                 SELECT id, row_number() OVER by_id AS place, sum(octet_length(payload)) OVER by_id AS bytes FROM (
                     SELECT id, payload FROM geocube.tasks
                     WHERE job_id = $1 AND state = ANY($2::text[]::geocube.task_state[]) AND id > $3
                     ORDER BY id LIMIT $4
                 ) AS next
                 WINDOW by_id AS (ORDER BY id)
             ) AS measured
             WHERE place = 1 OR bytes <= $5
         )
         ORDER BY id",
    )
    .bind(job.uuid())
    .bind(names(states))
    .bind(after.map_or(Uuid::nil(), TaskId::uuid))
    .bind(tasks)
    .bind(bytes)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Tasks that still exist, by id.
pub async fn get_many(conn: &mut PgConnection, ids: &[TaskId]) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = sqlx::query_as(
        "SELECT id, state::text, payload, job_id, attempt FROM geocube.tasks WHERE id = ANY($1) ORDER BY id",
    )
    .bind(convert::uuids(ids, TaskId::uuid))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Tasks that still exist, by id, with empty payloads, their rows locked until the end of the transaction.
pub async fn lock_many(conn: &mut PgConnection, ids: &[TaskId]) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = sqlx::query_as(
        "SELECT id, state::text, ''::bytea AS payload, job_id, attempt FROM geocube.tasks
         WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(convert::uuids(ids, TaskId::uuid))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Stores the states and the attempts of tasks, not their payloads. A task that becomes PENDING
/// counts as sent now, for the first time.
pub async fn update(conn: &mut PgConnection, tasks: &[Task]) -> Result<()> {
    sqlx::query(
        "UPDATE geocube.tasks t SET state = given.state::geocube.task_state, attempt = given.attempt,
             sent_at = CASE WHEN given.state = 'PENDING' THEN clock_timestamp() END, resends = 0
         FROM UNNEST($1::uuid[], $2::text[], $3::int[]) AS given (id, state, attempt) WHERE t.id = given.id",
    )
    .bind(column(tasks, |task| task.id.uuid()))
    .bind(column(tasks, |task| task.state.name()))
    .bind(column(tasks, |task| task.attempt))
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes all the tasks of a job.
pub async fn delete_of_job(conn: &mut PgConnection, job: JobId) -> Result<()> {
    sqlx::query("DELETE FROM geocube.tasks WHERE job_id = $1")
        .bind(job.uuid())
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes tasks; unknown ones are ignored.
pub async fn delete(conn: &mut PgConnection, ids: &[TaskId]) -> Result<u64> {
    let deleted = sqlx::query("DELETE FROM geocube.tasks WHERE id = ANY($1)")
        .bind(convert::uuids(ids, TaskId::uuid))
        .execute(conn)
        .await?;
    Ok(deleted.rows_affected())
}

/// Counts the tasks of a job anew.
pub async fn counters(conn: &mut PgConnection, job: JobId) -> Result<TaskCounters> {
    let (active, failed): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE state IN ('NEW', 'PENDING')), count(*) FILTER (WHERE state = 'FAILED')
         FROM geocube.tasks WHERE job_id = $1",
    )
    .bind(job.uuid())
    .fetch_one(conn)
    .await?;
    Ok(TaskCounters {
        active: convert::count(active) as u32,
        failed: convert::count(failed) as u32,
    })
}

/// Numbers of the tasks of all jobs that are not over, by state, without those states that have none.
pub async fn count_by_state(conn: &mut PgConnection) -> Result<Vec<(TaskState, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT t.state::text, count(*) FROM geocube.tasks t JOIN geocube.jobs j ON j.id = t.job_id
         WHERE j.state NOT IN ('DONE', 'FAILED') GROUP BY t.state",
    )
    .fetch_all(conn)
    .await?;
    let counted = rows.into_iter().map(|(name, count)| {
        let state = convert::name("state", &name, TaskState::from_name)?;
        Ok((state, convert::count(count)))
    });
    counted.collect()
}

/// PENDING tasks whose order seems lost: sent longer ago than `grace`, the job in
/// CONSOLIDATIONINPROGRESS, never acquired. They count as sent now. The grace doubles with each time, up to an hour:
/// where no worker is up, orders wait in the queue, and are not lost. At most `limit`.
pub async fn take_lost(conn: &mut PgConnection, grace: Duration, limit: u32) -> Result<Vec<Task>> {
    let rows: Vec<TaskRow> = sqlx::query_as(
        "UPDATE geocube.tasks SET sent_at = clock_timestamp(), resends = resends + 1
         WHERE id IN (
             SELECT t.id FROM geocube.tasks t JOIN geocube.jobs j ON j.id = t.job_id
             WHERE t.state = 'PENDING' AND j.state = 'CONSOLIDATIONINPROGRESS'
                 AND t.sent_at < clock_timestamp()
                     - make_interval(secs => greatest($1, least($1 * 2 ^ least(t.resends, 30), 3600)))
                 AND NOT EXISTS (
                     SELECT FROM geocube.task_leases l WHERE l.task_id = t.id AND l.attempt >= t.attempt
                 )
             ORDER BY t.sent_at LIMIT $2 FOR NO KEY UPDATE OF t SKIP LOCKED
         )
         RETURNING id, state::text, payload, job_id, attempt",
    )
    .bind(grace.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn names(states: &[TaskState]) -> Vec<&'static str> {
    states.iter().map(|state| state.name()).collect()
}

pub(crate) fn column<'a, T>(tasks: &'a [Task], value: impl Fn(&'a Task) -> T) -> Vec<T> {
    tasks.iter().map(value).collect()
}

#[derive(sqlx::FromRow)]
struct TaskRow {
    id: Uuid,
    state: String,
    payload: Vec<u8>,
    job_id: Uuid,
    attempt: i32,
}

impl TryFrom<TaskRow> for Task {
    type Error = crate::Error;

    fn try_from(row: TaskRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            job_id: row.job_id.into(),
            state: convert::name("state", &row.state, TaskState::from_name)?,
            attempt: row.attempt,
            payload: row.payload,
        })
    }
}
