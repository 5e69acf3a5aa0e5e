//! Locks that no job will ever release.

use crate::{Result, convert};
use domain::{DatasetId, JobId};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// The locks of a job that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleLock {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: String,
    /// Its state: DONE or FAILED.
    pub state: String,
    /// Datasets that it holds.
    pub datasets: u64,
}

/// What [`repair`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Jobs whose locks were released.
    pub released: Vec<StaleLock>,
    /// Datasets whose copy of the lock was corrected.
    pub corrected: u64,
    /// Datasets that are still to be deleted although no job holds them. Their status is left alone:
    /// after a consolidation, making them visible would bring replaced data back.
    pub hidden: Vec<DatasetId>,
}

/// Locks held by jobs that are DONE or FAILED, by name of the job. Those of a DONEBUTUNTIDY job are
/// in order: it can still be tried again.
pub async fn stale_locks(conn: &mut PgConnection) -> Result<Vec<StaleLock>> {
    let rows: Vec<(Uuid, String, String, i64)> = sqlx::query_as(
        "SELECT j.id, j.name, j.state, count(*) FROM geocube.jobs j
         JOIN geocube.locked_datasets l ON l.job_id = j.id
         WHERE j.state IN ('DONE', 'FAILED') GROUP BY j.id ORDER BY j.name",
    )
    .fetch_all(conn)
    .await?;
    let lock = |(job, name, state, datasets): (Uuid, String, String, i64)| StaleLock {
        job: job.into(),
        name,
        state,
        datasets: convert::count(datasets),
    };
    Ok(rows.into_iter().map(lock).collect())
}

/// Releases the locks of jobs that are over, and makes the copy of the locks in the rows of datasets
/// agree with the locks.
pub async fn repair(conn: &mut PgConnection) -> Result<Repair> {
    let mut tx = conn.begin().await?;
    let released = stale_locks(&mut tx).await?;
    sqlx::query(
        "DELETE FROM geocube.locked_datasets l USING geocube.jobs j
         WHERE j.id = l.job_id AND j.state IN ('DONE', 'FAILED')",
    )
    .execute(&mut *tx)
    .await?;
    let corrected = sqlx::query(
        "UPDATE geocube.datasets d SET locked_by_job_id = found.job_id FROM (
             SELECT d.id, l.job_id FROM geocube.datasets d
             LEFT JOIN geocube.locked_datasets l ON l.dataset_id = d.id
             WHERE d.locked_by_job_id IS DISTINCT FROM l.job_id
         ) found WHERE d.id = found.id",
    )
    .execute(&mut *tx)
    .await?;
    let hidden: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM geocube.datasets d WHERE status = 'TODELETE'
         AND NOT EXISTS (SELECT FROM geocube.locked_datasets l WHERE l.dataset_id = d.id) ORDER BY id",
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Repair {
        released,
        corrected: corrected.rows_affected(),
        hidden: hidden.into_iter().map(Into::into).collect(),
    })
}
