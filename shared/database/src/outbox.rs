//! Messages stored together with the state change that causes them, to be sent after the commit.

use crate::Result;
use sqlx::{PgConnection, types::Json};
use std::{collections::BTreeMap, time::Duration};

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Queue or topic.
    pub topic: String,
    /// Content.
    pub payload: Vec<u8>,
    /// Names and values beside the content.
    pub attributes: BTreeMap<String, String>,
}

/// A message that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place in the order of writing.
    pub id: i64,
    /// The message.
    pub message: NewMessage,
}

/// Stores messages; their ids, in the same order.
pub async fn insert(conn: &mut PgConnection, messages: &[NewMessage]) -> Result<Vec<i64>> {
    let topics: Vec<&str> = messages
        .iter()
        .map(|message| message.topic.as_str())
        .collect();
    let payloads: Vec<&[u8]> = messages
        .iter()
        .map(|message| message.payload.as_slice())
        .collect();
    let attributes: Vec<Json<&BTreeMap<String, String>>> = messages
        .iter()
        .map(|message| Json(&message.attributes))
        .collect();
    let mut ids: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO geocube.outbox (topic, payload, attributes)
         SELECT topic, payload, attributes
         FROM UNNEST($1::text[], $2::bytea[], $3::jsonb[])
             WITH ORDINALITY AS given (topic, payload, attributes, position) ORDER BY position
         RETURNING id",
    )
    .bind(topics)
    .bind(payloads)
    .bind(attributes)
    .fetch_all(conn)
    .await?;
    ids.sort_unstable();
    Ok(ids)
}

/// Messages not sent for longer than `grace`, the oldest first, locked until the end of the
/// transaction; those that somebody else is sending are left out, and those up to the id `after`.
/// At most `limit`.
pub async fn take_unsent(
    conn: &mut PgConnection,
    grace: Duration,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredMessage>> {
    let rows: Vec<OutboxRow> = sqlx::query_as(
        "SELECT id, topic, payload, attributes FROM geocube.outbox
         WHERE sent_at IS NULL AND created_at <= clock_timestamp() - make_interval(secs => $1)
             AND id > $2
         ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED",
    )
    .bind(grace.as_secs_f64())
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Most bytes of a piece of messages, unless the first one is larger.
const PIECE_BYTES: i64 = 4 << 20;

/// Those of some messages that are not sent yet, the oldest first: as many as may be in memory together, none at the end.
pub async fn unsent_of(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<StoredMessage>> {
    let rows: Vec<OutboxRow> = sqlx::query_as(
        "SELECT id, topic, payload, attributes FROM geocube.outbox WHERE id IN (
             SELECT id FROM (
                 SELECT id, row_number() OVER by_id AS place, sum(octet_length(payload)) OVER by_id AS bytes
                 FROM geocube.outbox WHERE id = ANY($1) AND sent_at IS NULL
                 WINDOW by_id AS (ORDER BY id)
             ) AS measured
             WHERE place = 1 OR bytes <= $2
         )
         ORDER BY id",
    )
    .bind(ids)
    .bind(PIECE_BYTES)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Notes that messages were sent.
pub async fn mark_sent(conn: &mut PgConnection, ids: &[i64]) -> Result<()> {
    sqlx::query("UPDATE geocube.outbox SET sent_at = clock_timestamp() WHERE id = ANY($1) AND sent_at IS NULL")
        .bind(ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets messages sent longer ago than `age`; how many.
pub async fn purge(conn: &mut PgConnection, age: Duration) -> Result<u64> {
    let purged = sqlx::query(
        "DELETE FROM geocube.outbox WHERE sent_at < clock_timestamp() - make_interval(secs => $1)",
    )
    .bind(age.as_secs_f64())
    .execute(conn)
    .await?;
    Ok(purged.rows_affected())
}

/// Makes this transaction the one that sweeps; `false` when another one does.
pub async fn try_sweep_lock(conn: &mut PgConnection) -> Result<bool> {
    // "gcsweep" in ASCII
    const KEY: i64 = 0x67_63_73_77_65_65_70;
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
        .bind(KEY)
        .fetch_one(conn)
        .await?)
}

#[derive(sqlx::FromRow)]
struct OutboxRow {
    id: i64,
    topic: String,
    payload: Vec<u8>,
    attributes: Json<BTreeMap<String, String>>,
}

impl From<OutboxRow> for StoredMessage {
    fn from(row: OutboxRow) -> Self {
        let Json(attributes) = row.attributes;
        Self {
            id: row.id,
            message: NewMessage {
                topic: row.topic,
                payload: row.payload,
                attributes,
            },
        }
    }
}
