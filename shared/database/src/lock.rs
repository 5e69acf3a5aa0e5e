//! Datasets held by jobs: at most one job holds a dataset.

use crate::{Result, convert};
use domain::{DatasetId, JobId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Why a job holds a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum LockFlag {
    /// Selected when the job was created.
    Initial = 0,
    /// Will be replaced or removed.
    ToDelete = 1,
    /// Made by the job, not visible yet.
    New = 2,
}

/// Locks datasets for a job. The same dataset may be given twice.
///
/// # Errors
/// [`domain::Error::AlreadyExists`] `Dataset is already locked: <id>` when a job holds one of them,
/// this job included; [`domain::Error::NotFound`] for a dataset that does not exist.
pub async fn lock(
    conn: &mut PgConnection,
    job: JobId,
    datasets: &[DatasetId],
    flag: LockFlag,
) -> Result<()> {
    if datasets.is_empty() {
        return Ok(());
    }
    let ids = convert::uuids(datasets, DatasetId::uuid);
    // in the order of the ids, so that two jobs do not wait for each other
    sqlx::query(
        "INSERT INTO geocube.locked_datasets (dataset_id, job_id, flag)
         SELECT DISTINCT id, $1, $3 FROM UNNEST($2::uuid[]) AS given (id) ORDER BY id",
    )
    .bind(job.uuid())
    .bind(&ids)
    .bind(flag as i32)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE geocube.datasets SET locked_by_job_id = $1 WHERE id = ANY($2)")
        .bind(job.uuid())
        .bind(&ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Releases the datasets that a job holds with a flag, or with any; how many.
pub async fn release(conn: &mut PgConnection, job: JobId, flag: Option<LockFlag>) -> Result<u64> {
    let released = sqlx::query(
        "WITH released AS (
             DELETE FROM geocube.locked_datasets WHERE job_id = $1 AND ($2::int IS NULL OR flag = $2)
             RETURNING dataset_id
         )
         UPDATE geocube.datasets d SET locked_by_job_id = NULL FROM released WHERE d.id = released.dataset_id",
    )
    .bind(job.uuid())
    .bind(flag.map(|flag| flag as i32))
    .execute(conn)
    .await?;
    Ok(released.rows_affected())
}

/// Hands the datasets that a job holds with a flag over to another job; how many.
pub async fn hand_over(
    conn: &mut PgConnection,
    from: JobId,
    to: JobId,
    flag: LockFlag,
) -> Result<u64> {
    let moved = sqlx::query(
        "WITH moved AS (
             UPDATE geocube.locked_datasets SET job_id = $2 WHERE job_id = $1 AND flag = $3 RETURNING dataset_id
         )
         UPDATE geocube.datasets d SET locked_by_job_id = $2 FROM moved WHERE d.id = moved.dataset_id",
    )
    .bind(from.uuid())
    .bind(to.uuid())
    .bind(flag as i32)
    .execute(conn)
    .await?;
    Ok(moved.rows_affected())
}

/// Ids of the datasets that a job holds with a flag.
pub async fn of_job(conn: &mut PgConnection, job: JobId, flag: LockFlag) -> Result<Vec<DatasetId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT dataset_id FROM geocube.locked_datasets WHERE job_id = $1 AND flag = $2 ORDER BY dataset_id",
    )
    .bind(job.uuid())
    .bind(flag as i32)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}
