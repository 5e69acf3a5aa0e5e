//! Instances of variables that are read already: a definition is not repeated with each of its instances.

use super::{INSTANCE, InstanceRow};
use crate::Result;
use domain::{Instance, Variable};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection};

/// Bytes that an instance has besides its name and its notes, about.
const INSTANCE_BYTES: usize = 64;

/// Adds all its instances to a variable, by name.
pub(super) async fn add_all(conn: &mut PgConnection, variable: &mut Variable) -> Result<()> {
    add(conn, std::slice::from_mut(variable), usize::MAX).await?;
    Ok(())
}

/// Adds their instances to variables, by name, until they have `most` bytes. Answers how many of the variables, at
/// least one, have all of theirs, and the bytes.
pub(super) async fn add(
    conn: &mut PgConnection,
    variables: &mut [Variable],
    most: usize,
) -> Result<(usize, usize)> {
    let ids: Vec<_> = variables
        .iter()
        .map(|variable| variable.id.uuid())
        .collect();
    let mut rows = sqlx::query_as::<_, PlacedRow>(AssertSqlSafe(format!(
        "SELECT position - 1 AS place, {INSTANCE}
         FROM UNNEST($1::uuid[]) WITH ORDINALITY AS given (id, position)
         JOIN geocube.variable_instances i ON i.definition_id = given.id ORDER BY position, i.name"
    )))
    .bind(ids)
    .fetch(conn);
    let (mut bytes, mut last) = (0, 0);
    while let Some(row) = rows.try_next().await? {
        let place = usize::try_from(row.place).unwrap_or(0);
        if place > last && bytes >= most {
            return Ok((place, bytes));
        }
        last = place;
        let instance = Instance::from(row.instance);
        bytes += bytes_of(&instance);
        variables[place].instances.push(instance);
    }
    Ok((variables.len(), bytes))
}

fn bytes_of(instance: &Instance) -> usize {
    let notes = instance.metadata.iter();
    let notes: usize = notes.map(|(key, value)| key.len() + value.len()).sum();
    INSTANCE_BYTES + instance.name.len() + notes
}

#[derive(sqlx::FromRow)]
struct PlacedRow {
    place: i64,
    #[sqlx(flatten)]
    instance: InstanceRow,
}
