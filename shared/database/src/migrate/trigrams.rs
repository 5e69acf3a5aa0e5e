//! The index on parts of names: it needs an extension that not every role may create.

use crate::Result;
use sqlx::{AssertSqlSafe, PgConnection};

/// Writes the statement that makes the index: the extension may have been there before, in a schema
/// of its own.
pub(super) const INDEX: &str =
    "SELECT format('CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_records_name_trigram
         ON geocube.records USING gin (name %I.gin_trgm_ops)', n.nspname)
     FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_trgm'";

/// Makes the index that answers patterns such as `*_T32UNG_*`. Where the extension `pg_trgm` cannot
/// be created, says so and does without: names are then read one by one.
pub(super) async fn index_names(conn: &mut PgConnection) -> Result<()> {
    let created = sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
        .execute(&mut *conn)
        .await;
    match created {
        Ok(_) => {}
        Err(sqlx::Error::Database(cause)) => {
            tracing::warn!(%cause, "parts of names are searched without an index: the extension pg_trgm cannot be created");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    let create: String = sqlx::query_scalar(INDEX).fetch_one(&mut *conn).await?;
    sqlx::query(AssertSqlSafe(create)).execute(conn).await?;
    Ok(())
}
