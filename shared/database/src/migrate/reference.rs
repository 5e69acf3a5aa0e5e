//! Databases of the releases before this program: whether one can be adopted.

use super::{exists, refused};
use crate::Result;
use sqlx::PgConnection;

/// Tables of release 1.1.0 with their columns.
const TABLES: [(&str, &str); 16] = [
    ("aoi", "id hash geom"),
    ("records", "id name datetime tags aoi_id"),
    ("palette", "name points"),
    (
        "variable_definitions",
        "id name unit description bands dtype no_data min_value max_value palette resampling_alg",
    ),
    ("variable_instances", "id name metadata definition_id"),
    (
        "consolidation_params",
        "id dtype no_data min_value max_value exponent compression creation_params resampling_alg storage_class",
    ),
    ("containers", "id uri managed storage_class"),
    (
        "datasets",
        "id record_id instance_id container_uri locked_by_job_id geog geom shape subdir bands status dtype no_data \
         min_value max_value real_min_value real_max_value exponent overviews",
    ),
    (
        "layouts",
        "name grid_flags grid_parameters block_x_size block_y_size max_records overviews_min_size interlacing_pattern",
    ),
    ("container_layouts", "container_uri layout_name"),
    ("grids", "name description"),
    ("cells", "id grid crs srid coordinates"),
    (
        "jobs",
        "id name creation_ts last_update_ts payload state type active_tasks failed_tasks execution_level waiting",
    ),
    ("job_logs", "id job_id time status message severity"),
    ("tasks", "id state payload job_id"),
    ("locked_datasets", "dataset_id job_id flag"),
];

/// The last upgrade scripts, each with what tells that it was applied.
const SCRIPTS: [(&str, &str); 3] = [
    ("0.3.0", "SELECT to_regclass('geocube.container_layouts') IS NOT NULL"),
    ("0.6.0", "SELECT to_regclass('geocube.job_logs') IS NOT NULL"),
    (
        "1.1.0",
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('geocube.consolidation_params')
         AND attname = 'creation_params' AND NOT attisdropped)",
    ),
];

/// Values that upgrade scripts add to enumerations.
const VALUES: [(&str, &str, &str); 2] = [
    ("0.6.0", "task_state", "NEW"),
    ("1.1.0", "compression", "CUSTOM"),
];

/// Refuses a schema of another release that cannot be adopted as it is; says nothing of a database
/// without any.
///
/// # Errors
/// [`domain::Error::Precondition`] that says what to do first.
pub(super) async fn check(conn: &mut PgConnection) -> Result<()> {
    if !exists(conn, "geocube.records").await? {
        return Ok(());
    }
    check_release(conn).await?;
    check_columns(conn).await?;
    check_values(conn).await?;
    check_jobs(conn).await?;
    check_queue(conn).await
}

async fn check_release(conn: &mut PgConnection) -> Result<()> {
    let mut missing = Vec::new();
    for (script, applied) in SCRIPTS {
        let applied: bool = sqlx::query_scalar(applied).fetch_one(&mut *conn).await?;
        // the scripts build on each other
        if !applied || !missing.is_empty() {
            missing.push(script);
        }
    }
    let scripts = match missing.as_slice() {
        [] => return Ok(()),
        [one] => (*one).to_owned(),
        [first, second] => format!("{first} and {second}"),
        [first, second, ..] => format!("{first}, {second} and 1.1.0"),
    };
    Err(refused(format!(
        "the schema geocube is older than 1.1.0: apply the upgrade script(s) {scripts} first"
    )))
}

/// Columns that are missing, and those that nobody would fill: a script was applied in part.
async fn check_columns(conn: &mut PgConnection) -> Result<()> {
    let expected = TABLES
        .iter()
        .flat_map(|(table, columns)| columns.split(' ').map(move |column| (*table, column)));
    let (tables, columns): (Vec<&str>, Vec<&str>) = expected.unzip();
    let faults: Vec<String> = sqlx::query_scalar(
        "WITH expected AS (
             SELECT to_regclass('geocube.' || t) AS relation, t, c FROM UNNEST($1::text[], $2::text[]) AS given (t, c)
         ), present AS (
             SELECT a.* FROM pg_attribute a
             WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (SELECT relation FROM expected)
         )
         SELECT format('%s.%s is missing', t, c) AS fault FROM expected e
         WHERE NOT EXISTS (SELECT FROM present p WHERE p.attrelid = e.relation AND p.attname = c)
         UNION ALL
         SELECT format('%s.%s is not of 1.1.0 and must not be null', p.attrelid::regclass, p.attname) FROM present p
         WHERE p.attnotnull AND NOT p.atthasdef AND p.attidentity = '' AND NOT EXISTS (
             SELECT FROM expected e WHERE e.relation = p.attrelid AND e.c = p.attname)
         ORDER BY fault",
    )
    .bind(tables)
    .bind(columns)
    .fetch_all(conn)
    .await?;
    if faults.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "the schema geocube is not that of 1.1.0, an upgrade script was applied in part: {}",
        faults.join(", ")
    )))
}

async fn check_values(conn: &mut PgConnection) -> Result<()> {
    for (script, name, value) in VALUES {
        let present: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_enum WHERE enumtypid = to_regtype('geocube.' || $1) AND enumlabel = $2)",
        )
        .bind(name)
        .bind(value)
        .fetch_one(&mut *conn)
        .await?;
        if !present {
            return Err(refused(format!(
                "the upgrade script {script} was applied in part: the type geocube.{name} has no value {value}"
            )));
        }
    }
    Ok(())
}

async fn check_jobs(conn: &mut PgConnection) -> Result<()> {
    let unfinished: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s (%s, %s)', name, id, state) FROM geocube.jobs
         WHERE state NOT IN ('DONE', 'FAILED', 'DONEBUTUNTIDY') ORDER BY name",
    )
    .fetch_all(conn)
    .await?;
    if unfinished.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "the database cannot be adopted while jobs are under way, finish or cancel them first: {}",
        unfinished.join(", ")
    )))
}

async fn check_queue(conn: &mut PgConnection) -> Result<()> {
    if !exists(conn, "pgq_jobs").await? {
        return Ok(());
    }
    let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM pgq_jobs WHERE ran_at IS NULL")
        .fetch_one(conn)
        .await?;
    if messages == 0 {
        return Ok(());
    }
    Err(refused(format!(
        "the database cannot be adopted while {messages} message(s) wait in pgq_jobs: empty the table first"
    )))
}
