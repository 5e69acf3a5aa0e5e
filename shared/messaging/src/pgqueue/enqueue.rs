use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{errors::broker_error, go_duration, listen::CHANNEL};
use crate::{Message, Result, RetryPolicy};

/// Adds messages to a queue within the caller's transaction, and announces them when it commits.
///
/// All or none of the messages are added.
pub async fn enqueue_in(
    connection: &mut PgConnection,
    queue: &str,
    messages: &[Message],
    policy: &RetryPolicy,
) -> Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
    let data: Vec<&[u8]> = messages
        .iter()
        .map(|message| message.data.as_ref())
        .collect();
    let attributes: Vec<Value> = messages.iter().map(attributes_of).collect();
    let waits: Vec<String> = policy
        .waits
        .iter()
        .copied()
        .map(go_duration::format)
        .collect();
    let query = "WITH added AS (
            INSERT INTO pgq_jobs (queue_name, run_after, retry_waits, max_tries, message_id, data, attributes)
            SELECT $1, now(), $2, $3, new.* FROM unnest($4::uuid[], $5::bytea[], $6::jsonb[]) AS new
            RETURNING 1
        )
        SELECT pg_notify($7, $1)";
    sqlx::query(query)
        .bind(queue)
        .bind(waits)
        .bind(i32::try_from(policy.max_tries).unwrap_or(i32::MAX))
        .bind(ids)
        .bind(data)
        .bind(attributes)
        .bind(CHANNEL)
        .execute(connection)
        .await
        .map_err(|source| broker_error(format!("publish to the queue {queue:?}"), source))?;
    Ok(())
}

fn attributes_of(message: &Message) -> Value {
    message
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect()
}
