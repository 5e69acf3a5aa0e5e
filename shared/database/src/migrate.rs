//! Upgrades of the schema.

mod trigrams;

use crate::{Error, Result, pool};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};
use std::time::Duration;

static EMBEDDED: Migrator = sqlx::migrate!("../../migrations");

/// Keeps the versions that were applied; beside the tables, so that dropping the schema forgets both.
const VERSIONS: &str = "geocube._sqlx_migrations";

/// Key of the lock that lets one upgrade run at a time ("geocube" in ASCII).
const LOCK: i64 = 0x67_65_6f_63_75_62_65;

/// Brings the database of a URL to the schema of this program, in place: an empty database gets all
/// of it, one of release 1.1.0 is adopted. Needs the rights of the owner, unlike everything else.
///
/// # Errors
/// [`domain::Error::Precondition`] for a schema older than 1.1.0 (naming the scripts to apply), a
/// database to adopt in which jobs are under way (naming them), and a schema that is newer than this
/// program.
pub async fn run(url: &str) -> Result<()> {
    let mut conn = pool::connect_options(url)?
        .application_name("geocube-migrate")
        .connect()
        .await?;
    lock(&mut conn).await?;
    let result = upgrade(&mut conn).await;
    conn.close().await?;
    result
}

/// Whether the schema is the one that this program works with.
///
/// # Errors
/// [`domain::Error::Precondition`] that says what to do when it is missing, older or newer.
pub async fn check(conn: &mut PgConnection) -> Result<()> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(VERSIONS)
        .fetch_one(&mut *conn)
        .await?;
    if !exists {
        return Err(refused(
            "the database has no schema of this program: run `geocube migrate` first",
        ));
    }
    let present: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM geocube._sqlx_migrations WHERE success")
            .fetch_one(conn)
            .await?;
    let (present, expected) = (present.unwrap_or(0), latest());
    if present > expected {
        return Err(newer(present));
    }
    if present < expected {
        return Err(refused(format!(
            "the schema of the database is at version {present}, expected {expected}: run `geocube migrate` first"
        )));
    }
    Ok(())
}

/// Version of the schema that this program works with.
pub fn latest() -> i64 {
    EMBEDDED
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// Tells the present migrations from any others.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> String {
    let bytes = EMBEDDED
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .chain(trigrams::INDEX.as_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Waits by asking again: a session that waits inside the server would itself be waited for by
/// CREATE INDEX CONCURRENTLY, for ever.
async fn lock(conn: &mut PgConnection) -> Result<()> {
    loop {
        let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *conn)
            .await?;
        if locked {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn upgrade(conn: &mut PgConnection) -> Result<()> {
    let mut migrator = Migrator::with_migrations(EMBEDDED.iter().cloned().collect());
    migrator.dangerous_set_table_name(VERSIONS);
    migrator.create_schema("geocube");
    migrator.set_locking(false);
    drop_unfinished_indexes(conn).await?;
    migrator.run(&mut *conn).await.map_err(explained)?;
    trigrams::index_names(conn).await?;
    grant(conn).await
}

/// An interrupted CREATE INDEX CONCURRENTLY leaves an index that is never used.
async fn drop_unfinished_indexes(conn: &mut PgConnection) -> Result<()> {
    let drops: Vec<String> = sqlx::query_scalar(
        "SELECT format('DROP INDEX %s', i.indexrelid::regclass) FROM pg_index i
         JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'geocube' AND NOT i.indisvalid",
    )
    .fetch_all(&mut *conn)
    .await?;
    for drop in drops {
        sqlx::query(AssertSqlSafe(drop)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Those who may write records may use what was added since.
async fn grant(conn: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "DO $grant$
         DECLARE service regrole;
         BEGIN
             FOR service IN
                 SELECT DISTINCT a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
                 WHERE c.oid = 'geocube.records'::regclass AND a.privilege_type = 'INSERT'
                     AND a.grantee NOT IN (0, c.relowner)
             LOOP
                 EXECUTE format('GRANT USAGE ON SCHEMA geocube TO %s', service);
                 EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA geocube TO %s', service);
                 EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geocube TO %s', service);
                 EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON pgq_jobs TO %s', service);
                 EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE pgq_jobs_id_seq TO %s', service);
             END LOOP;
         END
         $grant$",
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn explained(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => newer(version),
        MigrateError::VersionMismatch(version) => refused(format!(
            "migration {version} of the database differs from the one of this program: it comes from another build"
        )),
        MigrateError::Execute(error) => error.into(),
        MigrateError::ExecuteMigration(error, _) => {
            // 55000: the migration itself says what to do first
            let own = error
                .as_database_error()
                .filter(|cause| cause.code().as_deref() == Some("55000"));
            match own.map(|cause| refused(cause.message())) {
                Some(refused) => refused,
                None => error.into(),
            }
        }
        other => Error::Internal {
            source: other.into(),
        },
    }
}

fn newer(version: i64) -> Error {
    refused(format!(
        "the schema of the database is newer than this program: version {version} is applied, {} is the last one known",
        latest()
    ))
}

fn refused(text: impl Into<String>) -> Error {
    domain::Error::Precondition(text.into()).into()
}
