//! Datasets that a job selects and holds.

use super::{
    row::{DATASET, DatasetRow},
    search::{RECORD, needs_record, push_ids, push_selection, push_visible},
};
use crate::{Result, convert, filter};
use chrono::NaiveDateTime;
use domain::{
    Dataset, DatasetId, DatasetStatus, InstanceId, Instant, JobId, MultiPolygon, Pattern, RecordId,
    RecordSelection, Uri, job::ewkb,
};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// A dataset with the time of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedDataset {
    /// Acquisition instant of the record.
    pub time: Instant,
    /// The dataset.
    pub dataset: Dataset,
}

/// Ids of the visible datasets of an instance and some records, in order of creation.
pub async fn select_ids(
    conn: &mut PgConnection,
    instance: InstanceId,
    records: &RecordSelection,
) -> Result<Vec<DatasetId>> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT d.id FROM geocube.datasets d");
    if needs_record(records) {
        sql.push(RECORD);
    }
    sql.push(" WHERE");
    push_visible(&mut sql, &[instance]);
    push_selection(&mut sql, records);
    sql.push(" ORDER BY d.creation_order, d.id");
    let ids: Vec<Uuid> = sql.build_query_scalar().fetch_all(conn).await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Ids of the visible datasets of some records, of some instances and in files whose URI matches
/// one of some patterns, in order of creation. An empty list of records, instances or patterns does
/// not count; three of them select nothing at all, never everything.
pub async fn select_for_deletion(
    conn: &mut PgConnection,
    records: &[RecordId],
    instances: &[InstanceId],
    patterns: &[Pattern],
) -> Result<Vec<DatasetId>> {
    if records.is_empty() && instances.is_empty() && patterns.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT d.id FROM geocube.datasets d WHERE d.status = 'ACTIVE'",
    );
    if !records.is_empty() {
        push_ids(&mut sql, records);
    }
    if !instances.is_empty() {
        sql.push(" AND d.instance_id = ANY(");
        sql.push_bind(convert::uuids(instances, InstanceId::uuid))
            .push(")");
    }
    if !patterns.is_empty() {
        sql.push(" AND (false");
        for pattern in patterns {
            sql.push(" OR d.container_uri");
            filter::push_match(&mut sql, pattern);
        }
        sql.push(")");
    }
    sql.push(" ORDER BY d.creation_order, d.id");
    let ids: Vec<Uuid> = sql.build_query_scalar().fetch_all(conn).await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Ids of the datasets that a job holds, with this status.
pub async fn ids_of_job(
    conn: &mut PgConnection,
    job: JobId,
    status: DatasetStatus,
) -> Result<Vec<DatasetId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM geocube.datasets
         WHERE locked_by_job_id = $1 AND status = $2::geocube.dataset_status ORDER BY creation_order, id",
    )
    .bind(job.uuid())
    .bind(status.name())
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Number of datasets that a job holds, of every status.
pub async fn count_of_job(conn: &mut PgConnection, job: JobId) -> Result<u64> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM geocube.datasets WHERE locked_by_job_id = $1")
            .bind(job.uuid())
            .fetch_one(conn)
            .await?;
    Ok(convert::count(count))
}

/// Changes the status of the datasets that a job holds; the number of changed ones.
pub async fn set_status(
    conn: &mut PgConnection,
    job: JobId,
    from: DatasetStatus,
    to: DatasetStatus,
) -> Result<u64> {
    let changed = sqlx::query(
        "UPDATE geocube.datasets SET status = $3::geocube.dataset_status
         WHERE locked_by_job_id = $1 AND status = $2::geocube.dataset_status",
    )
    .bind(job.uuid())
    .bind(from.name())
    .bind(to.name())
    .execute(conn)
    .await?;
    Ok(changed.rows_affected())
}

/// Visible datasets held by a job that lie on a cell, by time and id of their records, then
/// creation.
///
/// `geographic` is the cell in longitude and latitude, edges along great circles. Where a dataset
/// has the reference system of the cell, its interior must meet that of `outline`: sharing an edge
/// is not enough.
pub async fn on_cell(
    conn: &mut PgConnection,
    job: JobId,
    geographic: &MultiPolygon,
    outline: &MultiPolygon,
    srid: i32,
) -> Result<Vec<TimedDataset>> {
    let mut sql = timed();
    sql.push(" WHERE d.status = 'ACTIVE' AND d.locked_by_job_id = ")
        .push_bind(job.uuid());
    sql.push(" AND ST_Intersects(d.geog, ");
    filter::push_lonlat(&mut sql, geographic);
    sql.push("::geography) AND CASE WHEN ").push_bind(srid);
    sql.push(" <> 0 AND ST_SRID(d.shape) = ").push_bind(srid);
    sql.push(" THEN ST_Relate(d.shape, ST_GeomFromEWKB(")
        .push_bind(ewkb::to_ewkb(outline, srid));
    // a shape beyond the dateline is on cells of the other side too
    sql.push("), 'T********') OR ((ST_XMin(d.shape) < -180 OR ST_XMax(d.shape) > 180) AND EXISTS (SELECT FROM spatial_ref_sys s WHERE s.srid = ")
        .push_bind(srid);
    sql.push(" AND s.proj4text LIKE '%+proj=longlat%')) ELSE true END ORDER BY r.datetime, r.id, d.creation_order, d.id");
    fetch(conn, sql).await
}

/// Datasets of some containers, of every status, by time and id of their records, then creation.
pub async fn timed_of_containers(
    conn: &mut PgConnection,
    uris: &[Uri],
) -> Result<Vec<TimedDataset>> {
    let texts: Vec<&str> = uris.iter().map(Uri::as_str).collect();
    let mut sql = timed();
    sql.push(" WHERE d.container_uri = ANY(").push_bind(texts);
    sql.push(") ORDER BY r.datetime, r.id, d.creation_order, d.id");
    fetch(conn, sql).await
}

/// Containers of the datasets that a job holds, each once, by URI.
pub async fn containers_of_job(conn: &mut PgConnection, job: JobId) -> Result<Vec<Uri>> {
    let uris: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT container_uri FROM geocube.datasets WHERE locked_by_job_id = $1 ORDER BY 1",
    )
    .bind(job.uuid())
    .fetch_all(conn)
    .await?;
    Ok(uris.into_iter().map(Uri::from_stored).collect())
}

/// Union of the footprints, in the plane of longitude and latitude, of the datasets that a job
/// holds; without any polygon when it holds none.
pub async fn union_of_job(conn: &mut PgConnection, job: JobId) -> Result<MultiPolygon> {
    let union: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT ST_AsEWKB(ST_Multi(ST_CollectionExtract(ST_Union(ST_MakeValid(geom)), 3)))
         FROM geocube.datasets WHERE locked_by_job_id = $1",
    )
    .bind(job.uuid())
    .fetch_one(conn)
    .await?;
    match union {
        Some(union) => Ok(convert::geometry(&union)?.0),
        None => Ok(MultiPolygon::default()),
    }
}

/// Deletes the datasets that a job holds with this status, with their locks; the URIs of their
/// containers, each once.
pub async fn delete_of_job(
    conn: &mut PgConnection,
    job: JobId,
    status: DatasetStatus,
) -> Result<Vec<Uri>> {
    sqlx::query(
        "DELETE FROM geocube.locked_datasets l USING geocube.datasets d
         WHERE l.dataset_id = d.id AND l.job_id = $1 AND d.locked_by_job_id = $1
             AND d.status = $2::geocube.dataset_status",
    )
    .bind(job.uuid())
    .bind(status.name())
    .execute(&mut *conn)
    .await?;
    let uris: Vec<String> = sqlx::query_scalar(
        "WITH deleted AS (
             DELETE FROM geocube.datasets
             WHERE locked_by_job_id = $1 AND status = $2::geocube.dataset_status
             RETURNING container_uri
         )
         SELECT DISTINCT container_uri FROM deleted ORDER BY 1",
    )
    .bind(job.uuid())
    .bind(status.name())
    .fetch_all(conn)
    .await?;
    Ok(uris.into_iter().map(Uri::from_stored).collect())
}

fn timed() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(DATASET)
        .push(", r.datetime FROM geocube.datasets d")
        .push(RECORD);
    sql
}

async fn fetch(
    conn: &mut PgConnection,
    mut sql: QueryBuilder<Postgres>,
) -> Result<Vec<TimedDataset>> {
    let rows: Vec<TimedRow> = sql.build_query_as().fetch_all(conn).await?;
    let timed = |row: TimedRow| {
        Ok(TimedDataset {
            time: convert::instant(row.datetime),
            dataset: row.dataset.try_into()?,
        })
    };
    rows.into_iter().map(timed).collect()
}

#[derive(sqlx::FromRow)]
struct TimedRow {
    #[sqlx(flatten)]
    dataset: DatasetRow,
    datetime: NaiveDateTime,
}
