//! Changes of the value mapping of stored datasets.

use crate::{Result, convert};
use domain::{DType, DataMapping, InstanceId, RecordId};
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeMap;

/// The datasets of an instance and some records, of every status, with their mapping as clients
/// read it. They are locked in the order of their ids, so that two changes do not wait for each
/// other.
const FORMER: &str = "WITH former AS (
    SELECT id, format('(%s, %s, %s, no_data=%s) currently maps to (%s, %s) with exponent=%s',
        dtype, min_value, max_value, no_data, real_min_value, real_max_value, exponent) AS mapping
    FROM geocube.datasets WHERE instance_id = $1 AND record_id = ANY($2) ORDER BY id FOR NO KEY UPDATE)";

const CHANGED: &str = ", changed AS (
    UPDATE geocube.datasets d SET no_data = $3, min_value = $4, max_value = $5, real_min_value = $6,
        real_max_value = $7, exponent = $8
    FROM former WHERE d.id = former.id)";

const COUNTS: &str = " SELECT mapping, count(*) FROM former GROUP BY mapping";

/// Types of the datasets of an instance and some records, of every status.
pub async fn dtypes(
    conn: &mut PgConnection,
    instance: InstanceId,
    records: &[RecordId],
) -> Result<Vec<DType>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT dtype::text FROM geocube.datasets
         WHERE instance_id = $1 AND record_id = ANY($2) ORDER BY 1",
    )
    .bind(instance.uuid())
    .bind(convert::uuids(records, RecordId::uuid))
    .fetch_all(conn)
    .await?;
    names
        .iter()
        .map(|name| convert::name("dtype", name, DType::from_name))
        .collect()
}

/// Number of the datasets of an instance and some records, of every status, for each mapping that
/// they have, as text.
pub async fn count_mappings(
    conn: &mut PgConnection,
    instance: InstanceId,
    records: &[RecordId],
) -> Result<BTreeMap<String, u64>> {
    let counts = sqlx::query_as(AssertSqlSafe(format!("{FORMER}{COUNTS}")))
        .bind(instance.uuid())
        .bind(convert::uuids(records, RecordId::uuid))
        .fetch_all(conn)
        .await?;
    Ok(numbers(counts))
}

/// Gives the datasets of an instance and some records, of every status, another mapping; their type
/// stays. Counts them as [`count_mappings`] does, by the mapping that they had.
pub async fn set_mapping(
    conn: &mut PgConnection,
    instance: InstanceId,
    records: &[RecordId],
    mapping: &DataMapping,
) -> Result<BTreeMap<String, u64>> {
    let counts = sqlx::query_as(AssertSqlSafe(format!("{FORMER}{CHANGED}{COUNTS}")))
        .bind(instance.uuid())
        .bind(convert::uuids(records, RecordId::uuid))
        .bind(mapping.format.no_data)
        .bind(mapping.format.min)
        .bind(mapping.format.max)
        .bind(mapping.range.min)
        .bind(mapping.range.max)
        .bind(mapping.exponent)
        .fetch_all(conn)
        .await?;
    Ok(numbers(counts))
}

fn numbers(counts: Vec<(String, i64)>) -> BTreeMap<String, u64> {
    let number = |(mapping, count)| (mapping, convert::count(count));
    counts.into_iter().map(number).collect()
}
