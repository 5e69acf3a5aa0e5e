//! Tasks of a planning under way: nobody sees them before it ends.

use crate::{Result, task::column};
use domain::{JobId, RunId, job::Task};
use sqlx::PgConnection;

/// Tasks that one statement makes of planned ones.
const TOGETHER: i64 = 500;

/// Stores tasks, all of them new ones of one job, that a run of the planning has decided on.
pub async fn insert(conn: &mut PgConnection, job: JobId, run: RunId, tasks: &[Task]) -> Result<()> {
    sqlx::query(
        "INSERT INTO geocube.planned_tasks (job_id, run_id, id, payload)
         SELECT $1, $2, id, payload FROM UNNEST($3::uuid[], $4::bytea[]) AS given (id, payload)",
    )
    .bind(job.uuid())
    .bind(run.uuid())
    .bind(column(tasks, |task| task.id.uuid()))
    .bind(column(tasks, |task| task.payload.as_slice()))
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes NEW tasks of all that a run of the planning stored; how many.
pub async fn promote(conn: &mut PgConnection, job: JobId, run: RunId) -> Result<u64> {
    let mut promoted = 0;
    loop {
        let moved = sqlx::query(
            "WITH moved AS (
                 DELETE FROM geocube.planned_tasks WHERE job_id = $1 AND id IN (
                     SELECT id FROM geocube.planned_tasks WHERE job_id = $1 AND run_id = $2 LIMIT $3
                 )
                 RETURNING id, payload
             )
             INSERT INTO geocube.tasks (id, state, payload, job_id) SELECT id, 'NEW', payload, $1 FROM moved",
        )
        .bind(job.uuid())
        .bind(run.uuid())
        .bind(TOGETHER)
        .execute(&mut *conn)
        .await?
        .rows_affected();
        if moved == 0 {
            return Ok(promoted);
        }
        promoted += moved;
    }
}

/// Forgets what any planning of a job left.
pub async fn forget(conn: &mut PgConnection, job: JobId) -> Result<()> {
    sqlx::query("DELETE FROM geocube.planned_tasks WHERE job_id = $1")
        .bind(job.uuid())
        .execute(conn)
        .await?;
    Ok(())
}
