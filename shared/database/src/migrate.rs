//! Upgrades of the schema.

mod locks;
mod preflight;
mod reference;
mod rules;
mod survey;
mod trigrams;

pub use locks::{Repair, StaleLock, repair, stale_locks};
pub use survey::{Finding, StoredFile, files, survey};

use crate::{Error, Result, pool};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::PgConnectOptions,
};
use std::collections::BTreeSet;
use std::time::Duration;

static EMBEDDED: Migrator = sqlx::migrate!("../../migrations");

/// Keeps the versions that were applied; beside the tables, so that dropping the schema forgets both.
const VERSIONS: &str = "geocube._sqlx_migrations";

/// Key of the lock that lets one upgrade run at a time ("geocube" in ASCII).
const LOCK: i64 = 0x67_65_6f_63_75_62_65;

/// Brings the database of a URL to the schema of this program, in place: an empty database gets all
/// of it, one of release 1.1.0 is adopted. Needs the rights of the owner, unlike everything else. Of
/// several runs at the same time, one works and the others wait for it.
///
/// # Errors
/// [`domain::Error::Precondition`], before anything is written, for a server or an extension that is
/// missing or too old, a schema older than 1.1.0 (naming the scripts to apply) or upgraded in part, a
/// database to adopt in which jobs are under way (naming them) or messages wait, a migration that was
/// left half done, and a schema that is newer than this program.
pub async fn run(url: &str) -> Result<()> {
    run_with(&pool::connect_options(url)?).await
}

/// As [`run`], by options of [`crate::connect_options`] or [`crate::connect_with_certificates`].
///
/// # Errors
/// As [`run`].
pub async fn run_with(options: &PgConnectOptions) -> Result<()> {
    let mut conn = connect(options).await?;
    lock(&mut conn).await?;
    let result = upgrade(&mut conn).await;
    conn.close().await?;
    result
}

/// A connection of its own, for [`survey`], [`repair`] and the like.
pub async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    Ok(options
        .clone()
        .application_name("geocube-migrate")
        .connect()
        .await?)
}

/// Whether [`run`] would begin: what it checks before it writes anything.
///
/// # Errors
/// Those of [`run`].
pub async fn can_run(conn: &mut PgConnection) -> Result<()> {
    preflight::check(conn).await?;
    if let Some(version) = applied(conn).await?.last().filter(|last| **last > latest()) {
        return Err(newer(*version));
    }
    Ok(())
}

/// Whether there is a catalogue, of this program or of a release before it.
pub async fn is_catalogue(conn: &mut PgConnection) -> Result<bool> {
    exists(conn, "geocube.records").await
}

/// Whether the schema is the one that this program works with.
///
/// # Errors
/// [`domain::Error::Precondition`] that says what to do when it is missing, older or newer.
pub async fn check(conn: &mut PgConnection) -> Result<()> {
    if !exists(conn, VERSIONS).await? {
        return Err(refused(
            "the database has no schema of this program: run `geocube migrate` first",
        ));
    }
    if let Some(version) = preflight::half_done(conn).await? {
        return Err(half_done(version));
    }
    let (present, expected) = (applied(conn).await?, versions());
    let last = present.last().copied().unwrap_or(0);
    if last > latest() {
        return Err(newer(last));
    }
    // one in the middle may be missing where two lines of development met
    if let Some(missing) = expected.difference(&present).next() {
        return Err(refused(format!(
            "the schema of the database is at version {last} without {missing}, expected {}: run `geocube migrate` first",
            latest()
        )));
    }
    Ok(())
}

async fn exists(conn: &mut PgConnection, relation: &str) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(relation)
        .fetch_one(conn)
        .await?)
}

/// Whether a migration of this program was ever applied.
async fn has_versions(conn: &mut PgConnection) -> Result<bool> {
    Ok(!applied(conn).await?.is_empty())
}

/// The migrations that were applied.
async fn applied(conn: &mut PgConnection) -> Result<BTreeSet<i64>> {
    if !exists(conn, VERSIONS).await? {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM geocube._sqlx_migrations WHERE success")
            .fetch_all(conn)
            .await?;
    Ok(versions.into_iter().collect())
}

fn versions() -> BTreeSet<i64> {
    EMBEDDED.iter().map(|migration| migration.version).collect()
}

/// Version of the schema that this program works with.
pub fn latest() -> i64 {
    versions().last().copied().unwrap_or(0)
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
    preflight::check(conn).await?;
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
                 EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON geocube._sqlx_migrations FROM %s', service);
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
        MigrateError::Dirty(version) => half_done(version),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            let cause = error.as_database_error();
            match cause.map(|cause| (cause.code(), cause.message())) {
                // the migration itself says what to do first
                Some((Some(code), text)) if code == "55000" => refused(text),
                Some((Some(code), text)) if code == "42501" => refused(format!(
                    "{text}: connect as the owner of the schema geocube with the right to create in the database; an extension that is missing may need a superuser"
                )),
                _ => error.into(),
            }
        }
        other => Error::Internal {
            source: other.into(),
        },
    }
}

fn half_done(version: i64) -> Error {
    refused(format!(
        "migration {version} was left half done: finish or undo what it does by hand, delete its row of {VERSIONS}, then run `geocube migrate` again"
    ))
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
