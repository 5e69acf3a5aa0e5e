//! Variables: kinds of data.

mod drawn;
mod list;

pub use drawn::get_drawn;
pub use list::Listing;

use crate::hstore::Hstore;
use crate::{Result, convert};
use domain::{Entity, Error, Instance, InstanceId, NewVariable, Variable, VariableId};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use std::collections::HashMap;
use uuid::Uuid;

/// Stores a variable.
///
/// # Errors
/// [`Error::AlreadyExists`] `Variable with name: <name>`, [`Error::NotFound`]
/// `Palette with name: <name>`.
pub async fn create(conn: &mut PgConnection, variable: &NewVariable) -> Result<VariableId> {
    let id = VariableId::new();
    let format = variable.format;
    sqlx::query(
        "INSERT INTO geocube.variable_definitions
             (id, name, unit, description, bands, dtype, no_data, min_value, max_value, palette, resampling_alg)
         VALUES ($1, $2, $3, $4, $5, $6::geocube.datatypes, $7, $8, $9, $10, $11::geocube.resampling)",
    )
    .bind(id.uuid())
    .bind(&variable.name)
    .bind(&variable.unit)
    .bind(&variable.description)
    .bind(&variable.bands)
    .bind(format.dtype.name())
    .bind(format.no_data)
    .bind(format.min)
    .bind(format.max)
    .bind(&variable.palette)
    .bind(variable.resampling.name())
    .execute(conn)
    .await?;
    Ok(id)
}

/// A variable with all its instances.
///
/// # Errors
/// [`Error::NotFound`] `Variable with id: <id>`.
pub async fn get(conn: &mut PgConnection, id: VariableId) -> Result<Variable> {
    let mut sql = select();
    sql.push(" WHERE v.id = ").push_bind(id.uuid());
    first(conn, sql)
        .await?
        .ok_or_else(|| Error::not_found(Entity::Variable, "id", id).into())
}

/// How a row of a variable is locked until the end of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It stays: whoever refers to it does so safely.
    Keep,
    /// Its definition is about to change, the changes of others wait.
    Change,
    /// It is about to be deleted: nobody else may refer to it from now on.
    Delete,
}

/// Locks a variable, so that what is read of it afterwards stays true.
///
/// # Errors
/// [`Error::NotFound`] `Variable with id: <id>`.
pub async fn lock(conn: &mut PgConnection, id: VariableId, hold: Hold) -> Result<()> {
    let sql = match hold {
        Hold::Keep => "SELECT 1 FROM geocube.variable_definitions WHERE id = $1 FOR KEY SHARE",
        Hold::Change => {
            "SELECT 1 FROM geocube.variable_definitions WHERE id = $1 FOR NO KEY UPDATE"
        }
        Hold::Delete => "SELECT 1 FROM geocube.variable_definitions WHERE id = $1 FOR UPDATE",
    };
    let locked: Option<i32> = sqlx::query_scalar(sql)
        .bind(id.uuid())
        .fetch_optional(conn)
        .await?;
    match locked {
        Some(_) => Ok(()),
        None => Err(Error::not_found(Entity::Variable, "id", id).into()),
    }
}

/// A variable with all its instances.
///
/// # Errors
/// [`Error::NotFound`] `Variable with name: <name>`.
pub async fn get_by_name(conn: &mut PgConnection, name: &str) -> Result<Variable> {
    let mut sql = select();
    sql.push(" WHERE v.name = ").push_bind(name.to_owned());
    first(conn, sql)
        .await?
        .ok_or_else(|| Error::not_found(Entity::Variable, "name", name).into())
}

/// The variable of an instance, with that instance alone.
///
/// # Errors
/// [`Error::NotFound`] `Variable Instance with id: <id>`.
pub async fn get_by_instance(conn: &mut PgConnection, id: InstanceId) -> Result<Variable> {
    let mut sql = select();
    sql.push(" WHERE i.id = ").push_bind(id.uuid());
    first(conn, sql)
        .await?
        .ok_or_else(|| Error::not_found(Entity::VariableInstance, "id", id).into())
}

/// The variables of some instances, each with that instance alone, by instance.
///
/// # Errors
/// [`Error::NotFound`] `Variable Instance with id: <id>` for the first one that does not exist.
pub async fn get_by_instances(
    conn: &mut PgConnection,
    ids: &[InstanceId],
) -> Result<HashMap<InstanceId, Variable>> {
    let mut sql = select();
    sql.push(" WHERE i.id = ANY(")
        .push_bind(convert::uuids(ids, InstanceId::uuid))
        .push(")");
    let rows: Vec<VariableRow> = sql.build_query_as().fetch_all(conn).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut variable = row.variable()?;
        if let Some(instance) = row.instance() {
            let id = instance.id;
            variable.instances.push(instance);
            found.insert(id, variable);
        }
    }
    match ids.iter().find(|id| !found.contains_key(id)) {
        Some(missing) => Err(Error::not_found(Entity::VariableInstance, "id", missing).into()),
        None => Ok(found),
    }
}

/// Stores a changed definition: name, unit, description, palette and resampling; the rest never
/// changes.
///
/// # Errors
/// As [`create`], and [`Error::NotFound`] for an unknown variable.
pub async fn update(conn: &mut PgConnection, id: VariableId, after: &NewVariable) -> Result<()> {
    let updated = sqlx::query(
        "UPDATE geocube.variable_definitions
         SET name = $2, unit = $3, description = $4, palette = $5, resampling_alg = $6::geocube.resampling
         WHERE id = $1",
    )
    .bind(id.uuid())
    .bind(&after.name)
    .bind(&after.unit)
    .bind(&after.description)
    .bind(&after.palette)
    .bind(after.resampling.name())
    .execute(conn)
    .await?;
    if updated.rows_affected() == 0 {
        return Err(Error::not_found(Entity::Variable, "id", id).into());
    }
    Ok(())
}

/// Deletes a variable with its instances and consolidation parameters; to be run in a transaction.
/// The variable is locked first, so that nobody adds an instance or parameters meanwhile.
///
/// # Errors
/// [`Error::NotFound`] for an unknown variable, [`Error::InUse`]
/// `variable_instances and datasets with id: <instance>` when an instance has datasets.
pub async fn delete(conn: &mut PgConnection, id: VariableId) -> Result<()> {
    lock(conn, id, Hold::Delete).await?;
    let id_value = id.uuid();
    for sql in [
        "DELETE FROM geocube.variable_instances WHERE definition_id = $1",
        "DELETE FROM geocube.consolidation_params WHERE id = $1",
    ] {
        sqlx::query(sql).bind(id_value).execute(&mut *conn).await?;
    }
    sqlx::query("DELETE FROM geocube.variable_definitions WHERE id = $1")
        .bind(id_value)
        .execute(conn)
        .await?;
    Ok(())
}

const SELECT: &str =
    "SELECT v.id, v.name, v.unit, v.description, v.bands, v.dtype::text AS dtype, v.no_data,
    v.min_value, v.max_value, v.palette, v.resampling_alg::text AS resampling_alg,
    i.id AS instance_id, i.name AS instance_name, i.metadata";
const INSTANCES: &str = " LEFT JOIN geocube.variable_instances i ON i.definition_id = v.id";

fn select() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(SELECT);
    sql.push(" FROM geocube.variable_definitions v")
        .push(INSTANCES);
    sql
}

async fn first(
    conn: &mut PgConnection,
    mut sql: QueryBuilder<Postgres>,
) -> Result<Option<Variable>> {
    sql.push(" ORDER BY i.name");
    Ok(grouped(sql.build_query_as().fetch_all(conn).await?)?
        .into_iter()
        .next())
}

/// Rows of the same variable follow each other.
fn grouped(rows: Vec<VariableRow>) -> Result<Vec<Variable>> {
    let mut variables: Vec<Variable> = Vec::new();
    for row in rows {
        if variables.last().is_none_or(|last| last.id.uuid() != row.id) {
            variables.push(row.variable()?);
        }
        if let (Some(variable), Some(instance)) = (variables.last_mut(), row.instance()) {
            variable.instances.push(instance);
        }
    }
    Ok(variables)
}

#[derive(sqlx::FromRow)]
struct VariableRow {
    id: Uuid,
    name: String,
    unit: String,
    description: String,
    bands: Option<Vec<String>>,
    dtype: String,
    no_data: f64,
    min_value: f64,
    max_value: f64,
    palette: Option<String>,
    resampling_alg: String,
    instance_id: Option<Uuid>,
    instance_name: Option<String>,
    metadata: Option<Hstore>,
}

impl VariableRow {
    fn variable(&self) -> Result<Variable> {
        Ok(Variable {
            id: self.id.into(),
            definition: NewVariable {
                name: self.name.clone(),
                unit: self.unit.clone(),
                description: self.description.clone(),
                format: convert::format(&self.dtype, self.no_data, self.min_value, self.max_value)?,
                bands: self.bands.clone().unwrap_or_default(),
                palette: self.palette.clone(),
                resampling: convert::resampling(&self.resampling_alg)?,
            },
            instances: Vec::new(),
        })
    }

    fn instance(self) -> Option<Instance> {
        Some(Instance {
            id: self.instance_id?.into(),
            name: self.instance_name?,
            metadata: convert::notes(self.metadata),
        })
    }
}
