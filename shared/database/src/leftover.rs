//! Removal of what nothing refers to any more.

use crate::Result;
use domain::Leftover;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;

/// Entities that are looked at together: what is held in memory, whatever their number.
const BATCH: usize = 10_000;

/// Removes the leftovers of a kind that are at least that old; how many. Rows of a database that was
/// adopted have no creation time and count as old. To be run in a transaction.
///
/// Those that a transaction under way refers to are passed over, and nothing can refer to the others
/// once they are locked: a caller who does then learns that they do not exist.
pub async fn delete(conn: &mut PgConnection, leftover: Leftover, min_age: Duration) -> Result<u64> {
    delete_by(conn, leftover, min_age, BATCH).await
}

async fn delete_by(
    conn: &mut PgConnection,
    leftover: Leftover,
    min_age: Duration,
    batch: usize,
) -> Result<u64> {
    let place = place(leftover);
    let (mut deleted, mut last) = (0, None);
    loop {
        let keys = place.lock_unused(conn, min_age, last, batch).await?;
        // asked again: a reference may have come before the lock
        deleted += place.delete_unused(conn, &keys).await?;
        if keys.len() < batch {
            return Ok(deleted);
        }
        last = keys.into_iter().next_back();
    }
}

/// Where the entities of a kind are, and the condition under which a row `t` is one.
struct Place {
    table: &'static str,
    key: &'static str,
    /// Type of the key.
    key_type: &'static str,
    unused: &'static str,
}

impl Place {
    /// The next unused rows in the order of their keys, locked; at most `limit`.
    async fn lock_unused(
        &self,
        conn: &mut PgConnection,
        min_age: Duration,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let Self {
            table,
            key,
            key_type,
            unused,
        } = self;
        let begin = match after {
            Some(_) => format!("t.{key} > $3::text::{key_type} AND"),
            None => String::new(),
        };
        let sql = AssertSqlSafe(format!(
            "SELECT t.{key}::text FROM geocube.{table} t
             WHERE {begin} ($1 = 0 OR t.created_at IS NULL
                 OR t.created_at <= clock_timestamp() - make_interval(secs => $1))
             AND {unused} ORDER BY t.{key} LIMIT $2 FOR UPDATE SKIP LOCKED"
        ));
        let mut query = sqlx::query_scalar(sql)
            .bind(min_age.as_secs_f64())
            .bind(limit as i64);
        if let Some(after) = after {
            query = query.bind(after);
        }
        Ok(query.fetch_all(conn).await?)
    }

    async fn delete_unused(&self, conn: &mut PgConnection, keys: &[String]) -> Result<u64> {
        let Self {
            table,
            key,
            key_type,
            unused,
        } = self;
        let sql = AssertSqlSafe(format!(
            "DELETE FROM geocube.{table} t WHERE t.{key} = ANY($1::text[]::{key_type}[]) AND {unused}"
        ));
        Ok(sqlx::query(sql)
            .bind(keys)
            .execute(conn)
            .await?
            .rows_affected())
    }
}

fn place(leftover: Leftover) -> Place {
    let by_id = |table, unused| Place {
        table,
        key: "id",
        key_type: "uuid",
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
            key_type: "text",
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
