//! Searches of readers: visible datasets by record and place.

use super::row::{SOURCE, SourceRow};
use crate::hstore::Hstore;
use crate::{Result, convert, filter};
use chrono::NaiveDateTime;
use domain::{
    DatasetId, DatasetSource, Error, InstanceId, MultiPolygon, Record, RecordFilters, RecordId,
    RecordSelection,
};
use futures::TryStreamExt;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Bytes of what a search finds, beyond which it is refused: all of it is held for the answer.
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// A visible dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDataset {
    /// Identifier.
    pub id: DatasetId,
    /// Flavour of the variable that it holds.
    pub instance_id: InstanceId,
    /// How to read it.
    pub source: DatasetSource,
    /// Whether every band has overviews.
    pub overviews: bool,
}

/// A record and its datasets, the earliest created first: each one lies on top of those before.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordDatasets {
    /// The record, without geometry.
    pub record: Record,
    /// At least one.
    pub datasets: Vec<FoundDataset>,
}

/// The most datasets that a search may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Their number.
    pub datasets: u32,
    /// What a caller knows the bound by.
    pub name: &'static str,
    /// Their bytes, those of their records included.
    pub bytes: usize,
}

impl Bound {
    /// So many datasets, under the name that a caller knows.
    pub const fn of(datasets: u32, name: &'static str) -> Self {
        let bytes = MAX_BYTES;
        Self {
            datasets,
            name,
            bytes,
        }
    }
}

/// Visible datasets of some instances that share a point with an area (edges along great circles),
/// by time and id of their records.
///
/// # Errors
/// [`Error::LimitExceeded`] when there are more datasets than the bound.
pub async fn find_for_cube(
    conn: &mut PgConnection,
    instances: &[InstanceId],
    records: &RecordSelection,
    area: &MultiPolygon,
    bound: Bound,
) -> Result<Vec<RecordDatasets>> {
    let mut sql = select();
    match records {
        // few rows of the index on (record, instance) come before the place, which finds every date
        RecordSelection::Ids(ids) => {
            sql.push(" FROM (SELECT d.* FROM geocube.datasets d WHERE");
            push_visible(&mut sql, instances);
            push_ids(&mut sql, ids);
            sql.push(" OFFSET 0) d").push(RECORD).push(" WHERE ");
        }
        // the rows of the place, by the boxes of the index
        RecordSelection::Filters(filters) if filter::is_empty(filters) => {
            sql.push(" FROM geocube.datasets d")
                .push(RECORD)
                .push(" WHERE");
            push_visible(&mut sql, instances);
            sql.push(" AND ");
        }
        // the exact test costs more than the look-up of the record: it comes last
        RecordSelection::Filters(filters) => {
            sql.push(" FROM (SELECT d.* FROM geocube.datasets d")
                .push(RECORD)
                .push(" WHERE");
            push_visible(&mut sql, instances);
            sql.push(" AND d.geog && ");
            push_geography(&mut sql, area);
            filter::push_record(&mut sql, filters);
            sql.push(" OFFSET 0) d").push(RECORD).push(" WHERE ");
        }
    }
    sql.push("ST_Intersects(d.geog, ");
    push_geography(&mut sql, area);
    sql.push(")");
    fetch(conn, sql, bound).await
}

/// Visible datasets of an instance, by time and id of their records.
///
/// # Errors
/// [`Error::LimitExceeded`] when there are more datasets than the bound.
pub async fn list(
    conn: &mut PgConnection,
    instance: InstanceId,
    records: &RecordSelection,
    bound: Bound,
) -> Result<Vec<RecordDatasets>> {
    let mut sql = select();
    sql.push(" FROM geocube.datasets d")
        .push(RECORD)
        .push(" WHERE");
    push_visible(&mut sql, &[instance]);
    push_selection(&mut sql, records);
    fetch(conn, sql, bound).await
}

/// Adds ` AND …` for each condition on the record `r` of the dataset `d`.
pub(crate) fn push_selection(sql: &mut QueryBuilder<Postgres>, records: &RecordSelection) {
    match records {
        RecordSelection::Ids(ids) => push_ids(sql, ids),
        RecordSelection::Filters(filters) => filter::push_record(sql, filters),
    }
}

/// Whether a selection looks at the record of the dataset.
pub(crate) fn needs_record(records: &RecordSelection) -> bool {
    match records {
        RecordSelection::Ids(_) => false,
        RecordSelection::Filters(filters) => *filters != RecordFilters::default(),
    }
}

pub(crate) const RECORD: &str = " JOIN geocube.records r ON r.id = d.record_id";

/// Adds the condition on status and instance of the dataset `d`. The status is a constant of the
/// text, so that the partial index on visible datasets can be used.
pub(super) fn push_visible(sql: &mut QueryBuilder<Postgres>, instances: &[InstanceId]) {
    sql.push(" d.status = 'ACTIVE' AND d.instance_id = ANY(");
    sql.push_bind(convert::uuids(instances, InstanceId::uuid))
        .push(")");
}

pub(super) fn push_ids(sql: &mut QueryBuilder<Postgres>, ids: &[RecordId]) {
    sql.push(" AND d.record_id = ANY(")
        .push_bind(convert::uuids(ids, RecordId::uuid))
        .push(")");
}

fn push_geography(sql: &mut QueryBuilder<Postgres>, area: &MultiPolygon) {
    filter::push_lonlat(sql, area);
    sql.push("::geography");
}

fn select() -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(SOURCE)
        .push(", r.name AS record_name, r.datetime, r.tags, r.aoi_id");
    sql
}

async fn fetch(
    conn: &mut PgConnection,
    mut sql: QueryBuilder<Postgres>,
    bound: Bound,
) -> Result<Vec<RecordDatasets>> {
    sql.push(" ORDER BY r.datetime, r.id, d.creation_order, d.id LIMIT ")
        .push_bind(i64::from(bound.datasets) + 1);
    let Bound {
        datasets,
        name,
        bytes: most_bytes,
    } = bound;
    let exceeded = |most: String| {
        let text =
            format!("the search finds more than {most}: narrow the area, the times or the tags");
        Error::LimitExceeded(text)
    };
    let mut rows = sql.build_query_as::<FoundRow>().fetch(conn);
    // rows of the same record follow each other
    let mut groups: Vec<RecordDatasets> = Vec::new();
    let (mut found, mut bytes) = (0, 0);
    while let Some(row) = rows.try_next().await? {
        found += 1;
        bytes += row.bytes();
        if found > datasets {
            return Err(exceeded(format!("{datasets} datasets ({name})")).into());
        }
        if bytes > most_bytes {
            return Err(exceeded(format!("{most_bytes} bytes of datasets and records")).into());
        }
        let record_id = RecordId::from(row.source.record_id);
        let dataset = FoundDataset {
            id: row.source.id.into(),
            instance_id: row.source.instance_id.into(),
            overviews: row.source.overviews,
            source: row.source.source()?,
        };
        match groups.last_mut() {
            Some(group) if group.record.id == record_id => group.datasets.push(dataset),
            _ => groups.push(RecordDatasets {
                record: Record {
                    id: record_id,
                    name: row.record_name,
                    time: convert::instant(row.datetime),
                    tags: convert::tags(row.tags),
                    aoi_id: row.aoi_id.into(),
                    aoi: None,
                },
                datasets: vec![dataset],
            }),
        }
    }
    Ok(groups)
}

impl FoundRow {
    /// Bytes that the row takes, about.
    fn bytes(&self) -> usize {
        let tags = self.tags.0.iter();
        let tags: usize = tags.map(|(key, value)| key.len() + value.len()).sum();
        self.source.bytes() + self.record_name.len() + tags
    }
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    source: SourceRow,
    record_name: String,
    datetime: NaiveDateTime,
    tags: Hstore,
    aoi_id: Uuid,
}
