//! Jobs.

mod action;
mod row;

pub use action::{
    extend_action, finish_action, record_event, set_follow_up, take_action, take_follow_ups,
    take_stalled,
};
pub use row::{LastEvent, StoredJob};

use crate::{Error, Page, Result, filter};
use domain::{
    Entity, JobId, Pattern, RunId,
    job::{Job, JobState},
};
use row::{JOB, JobRow};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Stores a new job.
///
/// # Errors
/// [`domain::Error::AlreadyExists`] `Job with name: <name>`.
pub async fn insert(conn: &mut PgConnection, job: &Job) -> Result<()> {
    let payload = serde_json::to_value(&job.payload).map_err(|error| Error::Internal {
        source: error.into(),
    })?;
    sqlx::query(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
             failed_tasks, execution_level, waiting, revision, entered_ts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $3)",
    )
    .bind(job.id.uuid())
    .bind(&job.name)
    .bind(job.creation.naive())
    .bind(job.last_update.naive())
    .bind(payload)
    .bind(job.state.name())
    .bind(job.job_type.name())
    .bind(i64::from(job.counters.active))
    .bind(i64::from(job.counters.failed))
    .bind(job.execution_level.number())
    .bind(job.waiting)
    .bind(job.revision)
    .execute(conn)
    .await?;
    Ok(())
}

/// A job.
///
/// # Errors
/// [`domain::Error::NotFound`] `Job with id: <id>`.
pub async fn get(conn: &mut PgConnection, id: JobId) -> Result<StoredJob> {
    let mut sql = select();
    sql.push(" WHERE id = ").push_bind(id.uuid());
    one(conn, sql, id).await
}

/// A job, its row locked until the end of the transaction.
///
/// # Errors
/// [`domain::Error::NotFound`] `Job with id: <id>`.
pub async fn get_for_update(conn: &mut PgConnection, id: JobId) -> Result<StoredJob> {
    let mut sql = select();
    sql.push(" WHERE id = ")
        .push_bind(id.uuid())
        .push(" FOR NO KEY UPDATE");
    one(conn, sql, id).await
}

/// A job whose entry action is held by `run`, its row locked until the end of the transaction;
/// `None` when somebody else has it, or a newer event took it away.
pub async fn get_for_action(
    conn: &mut PgConnection,
    id: JobId,
    run: RunId,
) -> Result<Option<StoredJob>> {
    let mut sql = select();
    sql.push(" WHERE id = ").push_bind(id.uuid());
    sql.push(" AND action_run_id = ")
        .push_bind(run.uuid())
        .push(" FOR NO KEY UPDATE");
    let row: Option<JobRow> = sql.build_query_as().fetch_optional(conn).await?;
    row.map(TryInto::try_into).transpose()
}

/// Stores the changes of a job that was read at `row_version`; the new version. What follows from another revision counts no
/// more.
///
/// # Errors
/// [`Error::Unavailable`] when somebody else has changed the job meanwhile: read it again.
pub async fn update(conn: &mut PgConnection, job: &Job, row_version: i64) -> Result<i64> {
    let version: Option<i64> = sqlx::query_scalar(
        "UPDATE geocube.jobs SET state = $3, last_update_ts = $4, active_tasks = $5, failed_tasks = $6,
             waiting = $7, revision = $8, row_version = row_version + 1,
             follow_up = CASE WHEN revision = $8 THEN follow_up END,
             entered_ts = CASE WHEN revision = $8 THEN entered_ts ELSE $4 END
         WHERE id = $1 AND row_version = $2 RETURNING row_version",
    )
    .bind(job.id.uuid())
    .bind(row_version)
    .bind(job.state.name())
    .bind(job.last_update.naive())
    .bind(i64::from(job.counters.active))
    .bind(i64::from(job.counters.failed))
    .bind(job.waiting)
    .bind(job.revision)
    .fetch_optional(conn)
    .await?;
    version.ok_or_else(|| Error::unavailable(format!("job {} was changed meanwhile", job.id)))
}

/// Jobs by time of creation, then id; at most so many of the page.
pub async fn list(
    conn: &mut PgConnection,
    name: Option<&Pattern>,
    page: Page,
    most: u32,
) -> Result<Vec<Job>> {
    let mut sql = select();
    sql.push(" WHERE true");
    push_name(&mut sql, name);
    sql.push(" ORDER BY creation_ts, id");
    page.push(&mut sql, most);
    many(conn, sql).await
}

/// Jobs in some states, by time of creation, then id.
pub async fn list_in_states(
    conn: &mut PgConnection,
    name: Option<&Pattern>,
    states: &[JobState],
) -> Result<Vec<Job>> {
    let mut sql = select();
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    sql.push(" WHERE state = ANY(").push_bind(names).push(")");
    push_name(&mut sql, name);
    sql.push(" ORDER BY creation_ts, id");
    many(conn, sql).await
}

/// Ids of the jobs in some states behind one of them, in their order; at most so many.
pub async fn ids_in_states(
    conn: &mut PgConnection,
    name: Option<&Pattern>,
    states: &[JobState],
    after: Option<JobId>,
    most: u32,
) -> Result<Vec<JobId>> {
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    let mut sql = QueryBuilder::<Postgres>::new("SELECT id FROM geocube.jobs WHERE state = ANY(");
    sql.push_bind(names).push(")");
    push_name(&mut sql, name);
    if let Some(after) = after {
        sql.push(" AND id > ").push_bind(after.uuid());
    }
    sql.push(" ORDER BY id LIMIT ").push_bind(i64::from(most));
    let ids: Vec<Uuid> = sql.build_query_scalar().fetch_all(conn).await?;
    Ok(ids.into_iter().map(JobId::from).collect())
}

/// Deletes a job that is in one of some states, with its locks, tasks, logs and leases; whether it
/// did. To be run in a transaction. The consolidation parameters stay.
pub async fn delete(conn: &mut PgConnection, id: JobId, states: &[JobState]) -> Result<bool> {
    let names: Vec<&str> = states.iter().map(|state| state.name()).collect();
    let found =
        sqlx::query("SELECT FROM geocube.jobs WHERE id = $1 AND state = ANY($2) FOR UPDATE")
            .bind(id.uuid())
            .bind(names)
            .execute(&mut *conn)
            .await?;
    if found.rows_affected() == 0 {
        return Ok(false);
    }
    crate::lock::release(conn, id, None).await?;
    for sql in [
        "DELETE FROM geocube.tasks WHERE job_id = $1",
        "DELETE FROM geocube.task_leases WHERE job_id = $1",
        "DELETE FROM geocube.processed_events WHERE job_id = $1",
        "DELETE FROM geocube.jobs WHERE id = $1",
    ] {
        sqlx::query(sql).bind(id.uuid()).execute(&mut *conn).await?;
    }
    Ok(true)
}

fn select() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(JOB).push(" FROM geocube.jobs");
    sql
}

fn push_name(sql: &mut QueryBuilder<Postgres>, name: Option<&Pattern>) {
    if let Some(name) = name {
        sql.push(" AND name");
        filter::push_match(sql, name);
    }
}

async fn one(
    conn: &mut PgConnection,
    mut sql: QueryBuilder<Postgres>,
    id: JobId,
) -> Result<StoredJob> {
    let row: Option<JobRow> = sql.build_query_as().fetch_optional(conn).await?;
    row.ok_or_else(|| domain::Error::not_found(Entity::Job, "id", id))?
        .try_into()
}

async fn many(conn: &mut PgConnection, mut sql: QueryBuilder<Postgres>) -> Result<Vec<Job>> {
    let rows: Vec<JobRow> = sql.build_query_as().fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| Ok(StoredJob::try_from(row)?.job))
        .collect()
}
