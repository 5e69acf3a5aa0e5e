//! Encoding of consolidated files.

use crate::hstore::{Hstore, HstoreRef};
use crate::{Result, convert};
use domain::{Compression, ConsolidationParams, Entity, Error, JobId, StorageClass, VariableId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What parameters belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Those that new jobs of a variable start with.
    Variable(VariableId),
    /// The private copy of a job.
    Job(JobId),
}

impl Owner {
    fn uuid(self) -> Uuid {
        match self {
            Self::Variable(id) => id.uuid(),
            Self::Job(id) => id.uuid(),
        }
    }
}

/// Stores parameters over those of before.
pub async fn put(
    conn: &mut PgConnection,
    owner: Owner,
    params: &ConsolidationParams,
) -> Result<()> {
    let format = params.format;
    sqlx::query(
        "INSERT INTO geocube.consolidation_params
             (id, dtype, no_data, min_value, max_value, exponent, compression, creation_params, resampling_alg, storage_class)
         VALUES ($1, $2::geocube.datatypes, $3, $4, $5, $6, $7::geocube.compression, $8,
             $9::geocube.resampling, $10::geocube.storage_class)
         ON CONFLICT (id) DO UPDATE SET dtype = EXCLUDED.dtype, no_data = EXCLUDED.no_data,
             min_value = EXCLUDED.min_value, max_value = EXCLUDED.max_value, exponent = EXCLUDED.exponent,
             compression = EXCLUDED.compression, creation_params = EXCLUDED.creation_params,
             resampling_alg = EXCLUDED.resampling_alg, storage_class = EXCLUDED.storage_class",
    )
    .bind(owner.uuid())
    .bind(format.dtype.name())
    .bind(format.no_data)
    .bind(format.min)
    .bind(format.max)
    .bind(params.exponent)
    .bind(params.compression.name())
    .bind(HstoreRef(&params.creation_params))
    .bind(params.resampling.name())
    .bind(params.storage_class.name())
    .execute(conn)
    .await?;
    Ok(())
}

/// Parameters of a variable or of a job.
///
/// # Errors
/// [`Error::NotFound`] `ConsolidationParams with id: <id>` when they were never stored.
pub async fn get(conn: &mut PgConnection, owner: Owner) -> Result<ConsolidationParams> {
    let row: Option<ParamsRow> = sqlx::query_as(
        "SELECT dtype::text, no_data, min_value, max_value, exponent, compression::text, creation_params,
             resampling_alg::text, storage_class::text
         FROM geocube.consolidation_params WHERE id = $1",
    )
    .bind(owner.uuid())
    .fetch_optional(conn)
    .await?;
    row.ok_or_else(|| Error::not_found(Entity::ConsolidationParams, "id", owner.uuid()))?
        .try_into()
}

/// Copies the parameters of a variable to a job, so that later changes do not affect it.
///
/// # Errors
/// [`Error::NotFound`] `ConsolidationParams with id: <id>` when the variable has none.
pub async fn copy(conn: &mut PgConnection, from: VariableId, to: JobId) -> Result<()> {
    let copied = sqlx::query(
        "INSERT INTO geocube.consolidation_params
             (id, dtype, no_data, min_value, max_value, exponent, compression, creation_params, resampling_alg, storage_class)
         SELECT $2, dtype, no_data, min_value, max_value, exponent, compression, creation_params, resampling_alg, storage_class
         FROM geocube.consolidation_params WHERE id = $1",
    )
    .bind(from.uuid())
    .bind(to.uuid())
    .execute(conn)
    .await?;
    if copied.rows_affected() == 0 {
        return Err(Error::not_found(Entity::ConsolidationParams, "id", from).into());
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ParamsRow {
    dtype: String,
    no_data: f64,
    min_value: f64,
    max_value: f64,
    exponent: f64,
    compression: String,
    creation_params: Hstore,
    resampling_alg: String,
    storage_class: String,
}

impl TryFrom<ParamsRow> for ConsolidationParams {
    type Error = crate::Error;

    fn try_from(row: ParamsRow) -> Result<Self> {
        let compression = |name: &str| {
            Compression::ALL
                .into_iter()
                .find(|known| known.name() == name)
        };
        Ok(Self {
            format: convert::format(&row.dtype, row.no_data, row.min_value, row.max_value)?,
            exponent: row.exponent,
            resampling: convert::resampling(&row.resampling_alg)?,
            compression: convert::name("compression", &row.compression, compression)?,
            storage_class: convert::name(
                "storage_class",
                &row.storage_class,
                StorageClass::from_name,
            )?,
            creation_params: row.creation_params.0,
        })
    }
}
