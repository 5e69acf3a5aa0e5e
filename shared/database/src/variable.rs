//! Variables: kinds of data.

mod drawn;
mod format;
mod instances;
mod list;

pub use drawn::get_drawn;
pub use format::{InstanceFormat, formats};
pub use list::Listing;

use crate::hstore::Hstore;
use crate::{Result, convert};
use domain::{Entity, Error, Instance, InstanceId, NewVariable, Variable, VariableId};
use sqlx::{PgConnection, Postgres, QueryBuilder};
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
    let mut variable = get_alone(conn, id).await?;
    instances::add_all(conn, &mut variable).await?;
    Ok(variable)
}

/// The definition of a variable.
///
/// # Errors
/// [`Error::NotFound`] `Variable with id: <id>`.
pub async fn get_definition(conn: &mut PgConnection, id: VariableId) -> Result<NewVariable> {
    Ok(get_alone(conn, id).await?.definition)
}

/// A variable without its instances.
async fn get_alone(conn: &mut PgConnection, id: VariableId) -> Result<Variable> {
    let mut sql = select();
    sql.push(" WHERE v.id = ").push_bind(id.uuid());
    let row: Option<VariableRow> = sql.build_query_as().fetch_optional(conn).await?;
    row.ok_or_else(|| Error::not_found(Entity::Variable, "id", id))?
        .try_into()
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
    let row: Option<VariableRow> = sql.build_query_as().fetch_optional(&mut *conn).await?;
    let row = row.ok_or_else(|| Error::not_found(Entity::Variable, "name", name))?;
    let mut variable = Variable::try_from(row)?;
    instances::add_all(conn, &mut variable).await?;
    Ok(variable)
}

/// The variable of an instance, with that instance alone.
///
/// # Errors
/// [`Error::NotFound`] `Variable Instance with id: <id>`.
pub async fn get_by_instance(conn: &mut PgConnection, id: InstanceId) -> Result<Variable> {
    let found: Option<WithInstance> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {DEFINITION}, {INSTANCE} FROM geocube.variable_definitions v
         JOIN geocube.variable_instances i ON i.definition_id = v.id WHERE i.id = $1"
    )))
    .bind(id.uuid())
    .fetch_optional(conn)
    .await?;
    found
        .ok_or_else(|| Error::not_found(Entity::VariableInstance, "id", id))?
        .try_into()
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

/// Columns of a [`VariableRow`].
const DEFINITION: &str =
    "v.id, v.name, v.unit, v.description, v.bands, v.dtype::text AS dtype, v.no_data,
    v.min_value, v.max_value, v.palette, v.resampling_alg::text AS resampling_alg";

/// Columns of an [`InstanceRow`].
const INSTANCE: &str = "i.id AS instance_id, i.name AS instance_name, i.metadata";

fn select() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(DEFINITION)
        .push(" FROM geocube.variable_definitions v");
    sql
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
}

impl TryFrom<VariableRow> for Variable {
    type Error = crate::Error;

    /// The variable, without instances.
    fn try_from(row: VariableRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            definition: NewVariable {
                name: row.name,
                unit: row.unit,
                description: row.description,
                format: convert::format(&row.dtype, row.no_data, row.min_value, row.max_value)?,
                bands: row.bands.unwrap_or_default(),
                palette: row.palette,
                resampling: convert::resampling(&row.resampling_alg)?,
            },
            instances: Vec::new(),
        })
    }
}

#[derive(sqlx::FromRow)]
struct InstanceRow {
    instance_id: Uuid,
    instance_name: String,
    metadata: Option<Hstore>,
}

impl From<InstanceRow> for Instance {
    fn from(row: InstanceRow) -> Self {
        Self {
            id: row.instance_id.into(),
            name: row.instance_name,
            metadata: convert::notes(row.metadata),
        }
    }
}

/// A variable and one of its instances.
#[derive(sqlx::FromRow)]
struct WithInstance {
    #[sqlx(flatten)]
    variable: VariableRow,
    #[sqlx(flatten)]
    instance: InstanceRow,
}

impl TryFrom<WithInstance> for Variable {
    type Error = crate::Error;

    fn try_from(row: WithInstance) -> Result<Self> {
        let mut variable = Self::try_from(row.variable)?;
        variable.instances.push(row.instance.into());
        Ok(variable)
    }
}
