//! What datasets of an instance must agree with.

use crate::{Result, convert};
use domain::{DataFormat, InstanceId};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// What datasets of an instance must agree with. But for the name of the variable it never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceFormat {
    /// Name of the variable, for texts.
    pub variable: String,
    /// Number of the bands of the variable.
    pub bands: usize,
    /// Format of the samples of the variable.
    pub format: DataFormat,
}

/// The formats of those of the instances that exist.
pub async fn formats(
    conn: &mut PgConnection,
    ids: &[InstanceId],
) -> Result<HashMap<InstanceId, InstanceFormat>> {
    let rows: Vec<FormatRow> = sqlx::query_as(
        "SELECT i.id, v.name, coalesce(cardinality(v.bands), 0) AS bands, v.dtype::text, v.no_data, v.min_value, v.max_value
         FROM geocube.variable_instances i JOIN geocube.variable_definitions v ON v.id = i.definition_id
         WHERE i.id = ANY($1)",
    )
    .bind(convert::uuids(ids, InstanceId::uuid))
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let found = InstanceFormat {
                variable: row.name,
                bands: usize::try_from(row.bands).unwrap_or_default(),
                format: convert::format(&row.dtype, row.no_data, row.min_value, row.max_value)?,
            };
            Ok((row.id.into(), found))
        })
        .collect()
}

#[derive(sqlx::FromRow)]
struct FormatRow {
    id: Uuid,
    name: String,
    bands: i32,
    dtype: String,
    no_data: f64,
    min_value: f64,
    max_value: f64,
}
