//! Logs of jobs.

use crate::{Result, convert};
use chrono::NaiveDateTime;
use domain::{
    JobId,
    job::{JobState, LogEntry, LogPage, Severity},
};
use sqlx::PgConnection;
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// Appends entries, in their order.
pub async fn append(conn: &mut PgConnection, job: JobId, entries: &[LogEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let times: Vec<NaiveDateTime> = entries.iter().map(|entry| entry.time.naive()).collect();
    let states: Vec<&str> = entries.iter().map(|entry| entry.state.name()).collect();
    // the text may come from a library: NUL cannot be stored
    let texts: Vec<String> = entries
        .iter()
        .map(|entry| entry.message.replace('\0', " "))
        .collect();
    let severities: Vec<&str> = entries.iter().map(|entry| entry.severity.name()).collect();
    sqlx::query(
        "INSERT INTO geocube.job_logs (job_id, time, status, message, severity)
         SELECT $1, time, status, message, severity::geocube.log_level
         FROM UNNEST($2::timestamp[], $3::text[], $4::text[], $5::text[])
             WITH ORDINALITY AS given (time, status, message, severity, position) ORDER BY position",
    )
    .bind(job.uuid())
    .bind(times)
    .bind(states)
    .bind(texts)
    .bind(severities)
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends an entry, unless the log of the job has one of the same text that is younger than `age`. To be called outside of
/// the transaction that it tells of.
pub async fn append_once(
    conn: &mut PgConnection,
    job: JobId,
    entry: &LogEntry,
    age: Duration,
) -> Result<()> {
    let text = entry.message.replace('\0', " ");
    sqlx::query(
        "INSERT INTO geocube.job_logs (job_id, time, status, message, severity)
         SELECT $1, $2, $3, $4, $5::geocube.log_level
         WHERE EXISTS (SELECT FROM geocube.jobs WHERE id = $1) AND NOT EXISTS (
             SELECT FROM geocube.job_logs
             WHERE job_id = $1 AND message = $4 AND time > $2 - make_interval(secs => $6)
         )",
    )
    .bind(job.uuid())
    .bind(entry.time.naive())
    .bind(entry.state.name())
    .bind(text)
    .bind(entry.severity.name())
    .bind(age.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(())
}

/// Entries of a page, in chronological order.
pub async fn page(conn: &mut PgConnection, job: JobId, page: LogPage) -> Result<Vec<LogEntry>> {
    let bounded = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut rows: Vec<LogRow> = sqlx::query_as(
        "SELECT job_id, time, severity::text, status, message FROM geocube.job_logs WHERE job_id = $1
         ORDER BY id DESC LIMIT $2 OFFSET $3",
    )
    .bind(job.uuid())
    .bind(bounded(page.limit()))
    .bind(bounded(page.offset()))
    .fetch_all(conn)
    .await?;
    rows.reverse();
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Number of entries.
pub async fn count(conn: &mut PgConnection, job: JobId) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM geocube.job_logs WHERE job_id = $1")
        .bind(job.uuid())
        .fetch_one(conn)
        .await?;
    Ok(convert::count(count))
}

/// The newest entries of some jobs, at most `limit` each, in chronological order.
pub async fn newest(
    conn: &mut PgConnection,
    jobs: &[JobId],
    limit: u32,
) -> Result<HashMap<JobId, Vec<LogEntry>>> {
    let rows: Vec<LogRow> = sqlx::query_as(
        "SELECT l.job_id, l.time, l.severity::text, l.status, l.message
         FROM UNNEST($1::uuid[]) AS given (job_id)
         CROSS JOIN LATERAL (
             SELECT * FROM geocube.job_logs WHERE job_id = given.job_id ORDER BY id DESC LIMIT $2
         ) l
         ORDER BY l.job_id, l.id",
    )
    .bind(convert::uuids(jobs, JobId::uuid))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    let mut logs: HashMap<JobId, Vec<LogEntry>> = HashMap::new();
    for row in rows {
        logs.entry(row.job_id.into())
            .or_default()
            .push(row.try_into()?);
    }
    Ok(logs)
}

#[derive(sqlx::FromRow)]
struct LogRow {
    job_id: Uuid,
    time: NaiveDateTime,
    severity: String,
    status: Option<String>,
    message: Option<String>,
}

impl TryFrom<LogRow> for LogEntry {
    type Error = crate::Error;

    fn try_from(row: LogRow) -> Result<Self> {
        // absent, or a name that is no more, in logs of an adopted database
        let state = row.status.as_deref().and_then(JobState::from_name);
        Ok(Self {
            time: convert::instant(row.time),
            severity: convert::name("severity", &row.severity, Severity::from_name)?,
            state: state.unwrap_or(JobState::New),
            message: row.message.unwrap_or_default(),
        })
    }
}
