//! Locks of files: none is deleted while somebody makes it known to the catalogue.

use crate::Result;
use domain::Uri;
use sqlx::PgConnection;

/// Tells these locks from others of the same texts.
const SEED: i64 = 0x66_69_6c_65;

/// Keeps a file from being deleted until the end of the transaction; waits for who deletes it. Others may do the same at the
/// same time.
pub async fn share(conn: &mut PgConnection, uri: &Uri) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, $2))")
        .bind(uri.canonical().as_str())
        .bind(SEED)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes files until the end of the transaction, so that nobody makes them known meanwhile; waits for those who do. All are
/// taken in one order, so that nobody waits for the other.
pub async fn exclude(conn: &mut PgConnection, uris: &[Uri]) -> Result<()> {
    let names: Vec<String> = uris.iter().map(|uri| uri.canonical().to_string()).collect();
    sqlx::query(
        "SELECT pg_advisory_xact_lock(key) FROM (
             SELECT DISTINCT hashtextextended(name, $2) AS key FROM UNNEST($1::text[]) AS given (name) ORDER BY key
         ) AS keys",
    )
    .bind(names)
    .bind(SEED)
    .execute(conn)
    .await?;
    Ok(())
}
