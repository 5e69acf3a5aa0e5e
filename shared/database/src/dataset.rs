//! Datasets: indexed images.

mod mapping;
mod new_file;
mod of_job;
mod row;
mod search;

pub use mapping::{count_mappings, dtypes, set_mapping};
pub use new_file::{NewFile, insert_with_container, insert_with_containers};
pub use of_job::{
    TimedDataset, containers_of_job, count_of_job, delete_of_job, ids_of_job, on_cell,
    select_for_deletion, select_ids, set_status, timed_of_containers, union_of_job,
};
pub use search::{Bound, FoundDataset, RecordDatasets, find_for_cube, list};
pub(crate) use search::{MAX_BYTES, RECORD, needs_record, push_selection};

use crate::{Result, convert};
use domain::{Dataset, MultiPolygon, Uri, job::ewkb};
use futures::TryStreamExt;
use row::{DATASET, DatasetRow};
use sqlx::{
    AssertSqlSafe, PgConnection, Postgres, QueryBuilder, postgres::PgArguments, query::Query,
};

/// A dataset to store, with its footprints.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// Footprint in longitude and latitude whose edges are straight there.
    pub geom: MultiPolygon,
    /// Footprint in longitude and latitude whose edges follow great circles.
    pub geog: MultiPolygon,
}

/// Stores datasets, all of them or none; their order is that of their creation. The container must
/// exist.
///
/// # Errors
/// [`domain::Error::NotFound`] `Dataset with record_id: <id>` for an unknown record.
pub async fn insert(conn: &mut PgConnection, datasets: &[NewDataset]) -> Result<()> {
    if datasets.is_empty() {
        return Ok(());
    }
    let sql = format!("{INSERT} ORDER BY position");
    bind(sqlx::query(AssertSqlSafe(sql)), datasets)
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts the datasets of the parameters 1 to 18, a column each. Arrays of arrays lose their inner
/// bounds in UNNEST: bands travel as literals.
const INSERT: &str =
    "INSERT INTO geocube.datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands,
         status, dtype, no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
     SELECT id, record_id, instance_id, uri, ST_GeomFromEWKB(geog)::geography, ST_GeomFromEWKB(geom),
         ST_GeomFromEWKB(shape), subdir, bands::smallint[], status::geocube.dataset_status,
         dtype::geocube.data_types, no_data, min, max, real_min, real_max, exponent, overviews
     FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[],
         $8::text[], $9::text[], $10::text[], $11::text[], $12::float8[], $13::float8[], $14::float8[],
         $15::float8[], $16::float8[], $17::float8[], $18::bool[])
         WITH ORDINALITY AS given (id, record_id, instance_id, uri, geog, geom, shape, subdir, bands, status,
         dtype, no_data, min, max, real_min, real_max, exponent, overviews, position)";

fn bind<'q>(
    query: Query<'q, Postgres, PgArguments>,
    datasets: &'q [NewDataset],
) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(column(datasets, |new| new.dataset.id.uuid()))
        .bind(column(datasets, |new| new.dataset.record_id.uuid()))
        .bind(column(datasets, |new| new.dataset.instance_id.uuid()))
        .bind(column(datasets, |new| new.dataset.source.uri.as_str()))
        .bind(column(datasets, |new| convert::lonlat(&new.geog)))
        .bind(column(datasets, |new| convert::lonlat(&new.geom)))
        .bind(column(datasets, |new| {
            ewkb::to_ewkb(&new.dataset.shape, new.dataset.srid)
        }))
        .bind(column(datasets, |new| new.dataset.source.subdir.as_str()))
        .bind(column(datasets, |new| {
            literal(new.dataset.source.bands.numbers())
        }))
        .bind(column(datasets, |new| new.dataset.status.name()))
        .bind(column(datasets, |new| {
            new.dataset.source.mapping.format.dtype.name()
        }))
        .bind(column(datasets, |new| {
            new.dataset.source.mapping.format.no_data
        }))
        .bind(column(datasets, |new| {
            new.dataset.source.mapping.format.min
        }))
        .bind(column(datasets, |new| {
            new.dataset.source.mapping.format.max
        }))
        .bind(column(datasets, |new| new.dataset.source.mapping.range.min))
        .bind(column(datasets, |new| new.dataset.source.mapping.range.max))
        .bind(column(datasets, |new| new.dataset.source.mapping.exponent))
        .bind(column(datasets, |new| new.dataset.overviews))
}

/// The datasets of some containers, of every status, by container, creation and id; at most so many, and of so many bytes.
///
/// # Errors
/// [`domain::Error::LimitExceeded`] for more bytes.
pub async fn of_containers(
    conn: &mut PgConnection,
    uris: &[Uri],
    most: u64,
    most_bytes: usize,
) -> Result<Vec<Dataset>> {
    let texts: Vec<&str> = uris.iter().map(Uri::as_str).collect();
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    sql.push(DATASET)
        .push(" FROM geocube.datasets d WHERE d.container_uri = ANY(")
        .push_bind(texts);
    sql.push(") ORDER BY d.container_uri, d.creation_order, d.id LIMIT ")
        .push_bind(i64::try_from(most).unwrap_or(i64::MAX));
    let mut rows = sql.build_query_as::<DatasetRow>().fetch(conn);
    let (mut datasets, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += row.bytes();
        if bytes > most_bytes {
            let text = format!(
                "the containers have more than {most_bytes} bytes of datasets, at most as many fit into one answer: ask for fewer containers"
            );
            return Err(domain::Error::LimitExceeded(text).into());
        }
        datasets.push(Dataset::try_from(row)?);
    }
    Ok(datasets)
}

fn column<'a, T>(datasets: &'a [NewDataset], value: impl Fn(&'a NewDataset) -> T) -> Vec<T> {
    datasets.iter().map(value).collect()
}

/// Array literal of band numbers, such as `{1,2}`.
fn literal(bands: &[i16]) -> String {
    let numbers: Vec<String> = bands.iter().map(ToString::to_string).collect();
    format!("{{{}}}", numbers.join(","))
}
