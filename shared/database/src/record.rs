//! Records: data-takes.

mod by_id;
mod list;
mod twin;

pub use by_id::ById;
pub use list::{Listing, Query};

use crate::hstore::{Hstore, HstoreRef};
use crate::{Result, convert};
use chrono::NaiveDateTime;
use domain::{Entity, Error, NewRecord, Record, RecordId, Tags};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Stores records, all of them or none; the ids come in the order of `records`.
///
/// # Errors
/// [`Error::AlreadyExists`] `Record with : <name>, <tags>, <time>` when one is stored already or
/// given twice, with id and footprint of a stored one behind, [`Error::NotFound`] `AOI with id: <id>` for an unknown footprint.
pub async fn create(conn: &mut PgConnection, records: &[NewRecord]) -> Result<Vec<RecordId>> {
    let created = match records {
        [record] => create_one(&mut *conn, record).await.map(|id| vec![id]),
        records => create_all(&mut *conn, records).await,
    };
    match created {
        Err(crate::Error::Domain(error @ Error::AlreadyExists { .. })) => {
            Err(twin::with_stored(conn, records, error).await.into())
        }
        created => created,
    }
}

async fn create_all(conn: &mut PgConnection, records: &[NewRecord]) -> Result<Vec<RecordId>> {
    let mut ids: Vec<RecordId> = records.iter().map(|_| RecordId::new()).collect();
    if records.is_empty() {
        return Ok(ids);
    }
    ids.sort_unstable();
    let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
    let times: Vec<NaiveDateTime> = records.iter().map(|record| record.time.naive()).collect();
    let tags: Vec<HstoreRef<'_>> = records
        .iter()
        .map(|record| HstoreRef(record.tags.as_map()))
        .collect();
    let aois: Vec<Uuid> = records.iter().map(|record| record.aoi_id.uuid()).collect();
    // in the order of their unique key, so that two lists with common records do not wait for each other
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamp[], $4::hstore[], $5::uuid[])
             AS given (id, name, datetime, tags, aoi_id)
         ORDER BY name COLLATE \"C\", datetime, tags",
    )
    .bind(convert::uuids(&ids, RecordId::uuid))
    .bind(names)
    .bind(times)
    .bind(tags)
    .bind(aois)
    .execute(conn)
    .await?;
    Ok(ids)
}

/// Rows are cheaper to plan as values than as arrays.
async fn create_one(conn: &mut PgConnection, record: &NewRecord) -> Result<RecordId> {
    let id = RecordId::new();
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.uuid())
    .bind(&record.name)
    .bind(record.time.naive())
    .bind(HstoreRef(record.tags.as_map()))
    .bind(record.aoi_id.uuid())
    .execute(conn)
    .await?;
    Ok(id)
}

/// The records of some ids, in their order, each once, without geometry.
///
/// # Errors
/// [`Error::NotFound`] `Record with id: <id>` for the first one that does not exist.
pub async fn get(conn: &mut PgConnection, ids: &[RecordId]) -> Result<Vec<Record>> {
    let rows: Vec<RecordRow> = sqlx::query_as(
        "SELECT id, name, datetime, tags, aoi_id, NULL::bytea AS aoi FROM geocube.records WHERE id = ANY($1)",
    )
    .bind(convert::uuids(ids, RecordId::uuid))
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<RecordId, RecordRow> = rows
        .into_iter()
        .map(|row| (RecordId::from(row.id), row))
        .collect();
    let mut seen = HashSet::new();
    let mut records = Vec::with_capacity(found.len());
    for id in ids.iter().filter(|id| seen.insert(**id)) {
        let row = found
            .remove(id)
            .ok_or_else(|| Error::not_found(Entity::Record, "id", id))?;
        records.push(row.try_into()?);
    }
    Ok(records)
}

/// Merges tags into records, overwriting those of the same key; the number of records found.
///
/// # Errors
/// [`Error::AlreadyExists`] when two records become the same.
pub async fn add_tags(conn: &mut PgConnection, ids: &[RecordId], tags: &Tags) -> Result<u64> {
    // rows are locked in the order of their ids, so that overlapping edits do not wait for each other
    let updated = sqlx::query(
        "WITH locked AS (SELECT id FROM geocube.records WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
         UPDATE geocube.records r SET tags = r.tags || $2 FROM locked WHERE r.id = locked.id",
    )
    .bind(convert::uuids(ids, RecordId::uuid))
    .bind(HstoreRef(tags.as_map()))
    .execute(conn)
    .await?;
    Ok(updated.rows_affected())
}

/// Removes tags from records; the number of records found times the number of keys, whether or not
/// the records had them.
///
/// # Errors
/// [`Error::AlreadyExists`] when two records become the same.
pub async fn remove_tags(
    conn: &mut PgConnection,
    ids: &[RecordId],
    keys: &[String],
) -> Result<u64> {
    if keys.is_empty() {
        return Ok(0);
    }
    let updated = sqlx::query(
        "WITH locked AS (SELECT id FROM geocube.records WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE)
         UPDATE geocube.records r SET tags = r.tags - $2::text[] FROM locked WHERE r.id = locked.id",
    )
    .bind(convert::uuids(ids, RecordId::uuid))
    .bind(keys)
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() * keys.len() as u64)
}

/// Deletes records; the number of deleted ones. Unknown ids are ignored.
///
/// With `keep_used` those that still have datasets stay, also when somebody adds the first one at
/// the same time. To be run in a transaction.
///
/// # Errors
/// Without `keep_used`, [`Error::InUse`] `records and datasets with id: <id>` when one has datasets.
pub async fn delete(conn: &mut PgConnection, ids: &[RecordId], keep_used: bool) -> Result<u64> {
    // locked first, in the order of their ids: the test for datasets sees those that others added
    // meanwhile, and overlapping deletions do not wait for each other
    sqlx::query("SELECT FROM geocube.records WHERE id = ANY($1) ORDER BY id FOR UPDATE")
        .bind(convert::uuids(ids, RecordId::uuid))
        .execute(&mut *conn)
        .await?;
    let sql = if keep_used {
        "DELETE FROM geocube.records r WHERE id = ANY($1)
         AND NOT EXISTS (SELECT FROM geocube.datasets d WHERE d.record_id = r.id)"
    } else {
        "DELETE FROM geocube.records WHERE id = ANY($1)"
    };
    let deleted = sqlx::query(sql)
        .bind(convert::uuids(ids, RecordId::uuid))
        .execute(conn)
        .await?;
    Ok(deleted.rows_affected())
}

/// Whether every one of the ids exists: the first one that does not.
pub async fn first_missing(conn: &mut PgConnection, ids: &[RecordId]) -> Result<Option<RecordId>> {
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT id FROM UNNEST($1::uuid[]) WITH ORDINALITY AS given (id, position)
         WHERE NOT EXISTS (SELECT FROM geocube.records r WHERE r.id = given.id)
         ORDER BY position LIMIT 1",
    )
    .bind(convert::uuids(ids, RecordId::uuid))
    .fetch_optional(conn)
    .await?;
    Ok(id.map(RecordId::from))
}

#[derive(sqlx::FromRow)]
pub(crate) struct RecordRow {
    id: Uuid,
    name: String,
    datetime: NaiveDateTime,
    tags: Hstore,
    aoi_id: Uuid,
    aoi: Option<Vec<u8>>,
}

impl TryFrom<RecordRow> for Record {
    type Error = crate::Error;

    fn try_from(row: RecordRow) -> Result<Self> {
        let aoi = row.aoi.map(|geom| convert::geometry(&geom)).transpose()?;
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            time: convert::instant(row.datetime),
            tags: convert::tags(row.tags),
            aoi_id: row.aoi_id.into(),
            aoi: aoi.map(|(area, _)| area),
        })
    }
}
