//! Instances: flavours of variables.

use crate::hstore::{Hstore, HstoreRef};
use crate::{Result, convert};
use domain::{Entity, Error, Instance, InstanceId, Metadata, VariableId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Adds an instance to a variable.
///
/// # Errors
/// [`Error::AlreadyExists`] `Instance with name: <name>`, [`Error::NotFound`] for an unknown variable.
pub async fn create(
    conn: &mut PgConnection,
    variable: VariableId,
    name: &str,
    metadata: &Metadata,
) -> Result<InstanceId> {
    let id = InstanceId::new();
    sqlx::query(
        "INSERT INTO geocube.variable_instances (id, name, metadata, definition_id) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.uuid())
    .bind(name)
    .bind(HstoreRef(metadata))
    .bind(variable.uuid())
    .execute(conn)
    .await?;
    Ok(id)
}

/// Name of the variable, when one of its instances has this name already.
pub async fn owner_of_name(
    conn: &mut PgConnection,
    variable: VariableId,
    name: &str,
) -> Result<Option<String>> {
    Ok(sqlx::query_scalar(
        "SELECT v.name FROM geocube.variable_definitions v WHERE v.id = $1 AND EXISTS (
             SELECT FROM geocube.variable_instances i WHERE i.definition_id = v.id AND i.name = $2)",
    )
    .bind(variable.uuid())
    .bind(name)
    .fetch_optional(conn)
    .await?)
}

/// An instance, its row locked until the end of the transaction.
///
/// # Errors
/// [`Error::NotFound`] `Variable Instance with id: <id>`.
pub async fn get_for_update(conn: &mut PgConnection, id: InstanceId) -> Result<Instance> {
    let row: Option<(String, Option<Hstore>)> = sqlx::query_as(
        "SELECT name, metadata FROM geocube.variable_instances WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(id.uuid())
    .fetch_optional(conn)
    .await?;
    let (name, metadata) = row.ok_or_else(|| missing(id))?;
    Ok(Instance {
        id,
        name,
        metadata: convert::notes(metadata),
    })
}

/// Stores a changed name and changed notes.
///
/// # Errors
/// [`Error::AlreadyExists`] `Instance with name: <name>`, [`Error::NotFound`].
pub async fn update(conn: &mut PgConnection, instance: &Instance) -> Result<()> {
    let updated =
        sqlx::query("UPDATE geocube.variable_instances SET name = $2, metadata = $3 WHERE id = $1")
            .bind(instance.id.uuid())
            .bind(&instance.name)
            .bind(HstoreRef(&instance.metadata))
            .execute(conn)
            .await?;
    if updated.rows_affected() == 0 {
        return Err(missing(instance.id));
    }
    Ok(())
}

/// Deletes an instance.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::InUse`] `variable_instances and datasets with id: <id>`.
pub async fn delete(conn: &mut PgConnection, id: InstanceId) -> Result<()> {
    let deleted = sqlx::query("DELETE FROM geocube.variable_instances WHERE id = $1")
        .bind(id.uuid())
        .execute(conn)
        .await?;
    if deleted.rows_affected() == 0 {
        return Err(missing(id));
    }
    Ok(())
}

/// The first of some instances that does not exist.
pub async fn first_missing(
    conn: &mut PgConnection,
    ids: &[InstanceId],
) -> Result<Option<InstanceId>> {
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM UNNEST($1::uuid[]) WITH ORDINALITY AS given (id, position)
         WHERE NOT EXISTS (SELECT FROM geocube.variable_instances i WHERE i.id = given.id)
         ORDER BY position LIMIT 1",
    )
    .bind(convert::uuids(ids, InstanceId::uuid))
    .fetch_optional(conn)
    .await?;
    Ok(id.map(InstanceId::from))
}

/// The first of some instances that is none of a variable.
pub async fn first_stranger(
    conn: &mut PgConnection,
    variable: VariableId,
    ids: &[InstanceId],
) -> Result<Option<InstanceId>> {
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM UNNEST($1::uuid[]) WITH ORDINALITY AS given (id, position)
         WHERE NOT EXISTS (
             SELECT FROM geocube.variable_instances i WHERE i.id = given.id AND i.definition_id = $2)
         ORDER BY position LIMIT 1",
    )
    .bind(convert::uuids(ids, InstanceId::uuid))
    .bind(variable.uuid())
    .fetch_optional(conn)
    .await?;
    Ok(id.map(InstanceId::from))
}

fn missing(id: InstanceId) -> crate::Error {
    Error::not_found(Entity::VariableInstance, "id", id).into()
}
