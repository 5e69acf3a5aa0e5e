//! Removal of what nothing refers to any more.

use crate::Result;
use domain::Leftover;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;

/// Removes the leftovers of a kind that are at least that old; how many. Rows of a database that was
/// adopted have no creation time and count as old. To be run in a transaction.
///
/// Those that a transaction under way refers to are passed over, and nothing can refer to the others
/// once they are locked: a caller who does then learns that they do not exist.
pub async fn delete(conn: &mut PgConnection, leftover: Leftover, min_age: Duration) -> Result<u64> {
    let Place {
        table,
        key,
        keys,
        unused,
    } = place(leftover);
    let keys_of_unused: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT t.{key}::text FROM geocube.{table} t
         WHERE ($1 = 0 OR t.created_at IS NULL OR t.created_at <= clock_timestamp() - make_interval(secs => $1))
         AND {unused} FOR UPDATE SKIP LOCKED"
    )))
    .bind(min_age.as_secs_f64())
    .fetch_all(&mut *conn)
    .await?;
    // asked again: a reference may have come before the lock
    let deleted = sqlx::query(AssertSqlSafe(format!(
        "DELETE FROM geocube.{table} t WHERE t.{key} = ANY({keys}) AND {unused}"
    )))
    .bind(keys_of_unused)
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

/// Where the entities of a kind are, and the condition under which a row `t` is one.
struct Place {
    table: &'static str,
    key: &'static str,
    /// The parameter that holds keys as texts, with their type.
    keys: &'static str,
    unused: &'static str,
}

fn place(leftover: Leftover) -> Place {
    let by_id = |table, unused| Place {
        table,
        key: "id",
        keys: "$1::text[]::uuid[]",
        unused,
    };
    match leftover {
        // the record that a consolidation under way gives its files to has no dataset yet
        Leftover::Record => by_id(
            "records",
            "NOT EXISTS (SELECT FROM geocube.datasets d WHERE d.record_id = t.id)
             AND NOT EXISTS (SELECT FROM geocube.jobs j WHERE j.payload ->> 'collapse_record_id' = t.id::text
                 AND j.state NOT IN ('DONE', 'FAILED', 'DONEBUTUNTIDY'))",
        ),
        Leftover::Aoi => by_id(
            "aoi",
            "NOT EXISTS (SELECT FROM geocube.records r WHERE r.aoi_id = t.id)",
        ),
        Leftover::Instance => by_id(
            "variable_instances",
            "NOT EXISTS (SELECT FROM geocube.datasets d WHERE d.instance_id = t.id)",
        ),
        Leftover::Variable => by_id(
            "variable_definitions",
            "NOT EXISTS (SELECT FROM geocube.variable_instances i WHERE i.definition_id = t.id)",
        ),
        Leftover::Container => Place {
            table: "containers",
            key: "uri",
            keys: "$1::text[]",
            unused: "NOT t.managed
             AND NOT EXISTS (SELECT FROM geocube.datasets d WHERE d.container_uri = t.uri)",
        },
        Leftover::ConsolidationParams => by_id(
            "consolidation_params",
            "NOT EXISTS (SELECT FROM geocube.variable_definitions v WHERE v.id = t.id)
             AND NOT EXISTS (SELECT FROM geocube.jobs j WHERE j.id = t.id)",
        ),
    }
}
