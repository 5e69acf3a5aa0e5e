//! The record that is in the way of a new one.

use crate::hstore::HstoreRef;
use chrono::NaiveDateTime;
use domain::{AoiId, Error, NewRecord, RecordId};
use sqlx::PgConnection;
use uuid::Uuid;

/// Adds to the refusal of new records which stored one it is about: its footprint may be another one than the caller's.
/// Nothing is added when two of the new ones are the same, or inside a transaction, which the refusal ends.
pub(super) async fn with_stored(
    conn: &mut PgConnection,
    records: &[NewRecord],
    error: Error,
) -> Error {
    let Error::AlreadyExists { entity, id, text } = error else {
        return error;
    };
    let text = match find(conn, records, &id).await {
        Ok(Some((stored, aoi))) => format!("{text} (stored with id {stored}, aoi {aoi})"),
        Ok(None) | Err(_) => text,
    };
    Error::AlreadyExists { entity, id, text }
}

/// The stored record among those that have the name, the time and the tags of a new one whose `key` is that of the refusal.
async fn find(
    conn: &mut PgConnection,
    records: &[NewRecord],
    key: &str,
) -> sqlx::Result<Option<(RecordId, AoiId)>> {
    let candidates = || records.iter().filter(|new| key.starts_with(&new.name));
    let names: Vec<&str> = candidates().map(|new| new.name.as_str()).collect();
    let times: Vec<NaiveDateTime> = candidates().map(|new| new.time.naive()).collect();
    let tags: Vec<HstoreRef<'_>> = candidates()
        .map(|new| HstoreRef(new.tags.as_map()))
        .collect();
    let found: Option<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT r.id, r.aoi_id FROM UNNEST($1::text[], $2::timestamp[], $3::hstore[]) AS given (name, datetime, tags)
         JOIN geocube.records r USING (name, datetime, tags)
         WHERE concat(r.name, ', ', r.tags, ', ', r.datetime) = $4 LIMIT 1",
    )
    .bind(names)
    .bind(times)
    .bind(tags)
    .bind(key)
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(id, aoi)| (id.into(), aoi.into())))
}
