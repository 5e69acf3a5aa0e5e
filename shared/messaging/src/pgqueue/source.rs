use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use sqlx::{FromRow, PgPool, Row as _, postgres::PgRow, types::Json};
use tracing::warn;
use uuid::Uuid;

use super::{errors::broker_error, go_duration, listen::CHANNEL};
use crate::{
    Delivery, Result, dead_letter,
    retry::{Kept, Remaining},
    worker::{Exchange, Source, Taken, Ticket},
};

/// The queue table, as the consumer loop sees it. All times are those of the database.
#[derive(Debug)]
pub(super) struct Table {
    pool: PgPool,
}

/// One row, just leased.
#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    message_id: Option<Uuid>,
    data: Vec<u8>,
    attributes: Json<BTreeMap<String, String>>,
    retry_waits: Vec<String>,
    /// Deliveries, whatever became of them.
    tries: i32,
    postponed: i32,
    max_tries: i32,
    age_s: f64,
}

impl Table {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Source for Table {
    async fn exchange(
        &self,
        queue: &str,
        handled: &[Ticket],
        limit: usize,
        lease: Duration,
    ) -> Result<Exchange> {
        let holder = Uuid::new_v4();
        let held = Held::new(handled);
        let rows = sqlx::query(EXCHANGE)
            .bind(held.ids)
            .bind(held.holders)
            .bind(held.deliveries)
            .bind(queue)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(lease.as_secs_f64())
            .bind(holder)
            .fetch_all(&self.pool)
            .await;
        let exchanged = rows.and_then(|rows| read_exchange(&rows, queue, holder));
        exchanged.map_err(|source| broker_error(format!("take from the queue {queue:?}"), source))
    }

    async fn extend(&self, tickets: &[Ticket], lease: Duration) -> Result<()> {
        // locked in the same order as by an exchange, which may remove some of them meanwhile
        let query = "WITH held AS (
                SELECT job.id FROM pgq_jobs AS job
                JOIN unnest($1::int8[], $2::uuid[], $3::int4[]) AS given (id, holder, tries)
                    ON job.id = given.id AND job.locked_by = given.holder AND job.tries = given.tries
                ORDER BY job.id FOR UPDATE OF job
            )
            UPDATE pgq_jobs AS job SET locked_until = now() + make_interval(secs => $4)
            FROM held WHERE job.id = held.id";
        let held = Held::new(tickets);
        sqlx::query(query)
            .bind(held.ids)
            .bind(held.holders)
            .bind(held.deliveries)
            .bind(lease.as_secs_f64())
            .execute(&self.pool)
            .await
            .map_err(|source| broker_error("extend leases".into(), source))?;
        Ok(())
    }

    async fn keep(&self, ticket: &Ticket, kept: &Kept, dead_letters: Option<&str>) -> Result<bool> {
        let kept = match kept {
            Kept::Again {
                after,
                waits,
                postponed,
                reason,
            } => {
                self.put_back(ticket, *after, waits, *postponed, reason)
                    .await
            }
            Kept::Aside { reason } => self.put_aside(ticket, reason, dead_letters).await,
        };
        kept.map_err(|source| broker_error(format!("settle the message {}", ticket.id), source))
    }
}

/// Removes and takes, without waiting for the disk: what a crash of the server takes away is delivered again. A message whose
/// lease ran out while it was handled is not taken by the statement that removes it. When all that are due were taken, only a
/// leased message can have been due before.
const EXCHANGE: &str = "WITH held AS (
        SELECT job.id FROM pgq_jobs AS job
        JOIN unnest($1::int8[], $2::uuid[], $3::int4[]) AS given (id, holder, tries)
            ON job.id = given.id AND job.locked_by = given.holder AND job.tries = given.tries
        ORDER BY job.id FOR UPDATE OF job
    ), removed AS (
        DELETE FROM pgq_jobs AS job USING held WHERE job.id = held.id RETURNING job.id
    ), due AS (
        SELECT id FROM pgq_jobs
        WHERE queue_name = $4 AND ran_at IS NULL AND failed_at IS NULL
          AND run_after <= now() AND (locked_until IS NULL OR locked_until <= now()) AND id <> ALL ($1)
        ORDER BY run_after, id LIMIT $5 FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE pgq_jobs AS job
        SET locked_until = now() + make_interval(secs => $6), locked_by = $7, tries = tries + 1,
            first_taken_at = coalesce(first_taken_at, now())
        FROM due WHERE job.id = due.id
        RETURNING job.id, message_id, data, attributes, retry_waits, tries, postponed, max_tries,
            extract(epoch FROM now() - first_taken_at)::float8 AS age_s
    )
    SELECT (SELECT array_agg(id) FROM removed) AS removed,
        CASE WHEN (SELECT count(*) FROM due) < $5 THEN extract(epoch FROM least(
            (SELECT min(run_after) FROM pgq_jobs
             WHERE queue_name = $4 AND ran_at IS NULL AND failed_at IS NULL AND run_after > now()),
            (SELECT min(locked_until) FROM pgq_jobs
             WHERE queue_name = $4 AND ran_at IS NULL AND failed_at IS NULL AND run_after <= now()
               AND locked_until > now())
        ) - now())::float8 END AS next_due_s,
        taken.*
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS always LEFT JOIN taken ON true";

/// Tickets, as columns.
struct Held {
    ids: Vec<i64>,
    holders: Vec<Uuid>,
    deliveries: Vec<i32>,
}

impl Held {
    fn new(tickets: &[Ticket]) -> Self {
        Self {
            ids: tickets.iter().map(|ticket| ticket.id).collect(),
            holders: tickets.iter().map(|ticket| ticket.holder).collect(),
            deliveries: tickets.iter().map(deliveries_of).collect(),
        }
    }
}

/// Reads the rows of [`EXCHANGE`]: one at least, without a message where none was taken.
fn read_exchange(rows: &[PgRow], queue: &str, holder: Uuid) -> sqlx::Result<Exchange> {
    let (mut removed, mut next_due_s): (Option<Vec<i64>>, Option<f64>) = (None, None);
    if let Some(first) = rows.first() {
        removed = first.try_get("removed")?;
        next_due_s = first.try_get("next_due_s")?;
    }
    let mut taken = Vec::with_capacity(rows.len());
    for row in rows {
        if row.try_get::<Option<i64>, _>("id")?.is_some() {
            taken.push(Row::from_row(row)?);
        }
    }
    // an update returns them in any order
    taken.sort_by_key(|row| row.id);
    Ok(Exchange {
        removed: removed.unwrap_or_default(),
        taken: taken
            .into_iter()
            .map(|row| row.into_taken(queue, holder))
            .collect(),
        // a date far away does not fit a duration
        next_due: next_due_s
            .map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
    })
}

impl Table {
    async fn put_back(
        &self,
        ticket: &Ticket,
        after: Duration,
        waits: &[Duration],
        postponed: bool,
        reason: &str,
    ) -> sqlx::Result<bool> {
        // announced, so that every consumer knows when the message will be due
        let query = "WITH changed AS (
                UPDATE pgq_jobs
                SET run_after = now() + make_interval(secs => $4), retry_waits = $5, error = $6,
                    postponed = postponed + $8::int4, locked_until = NULL, locked_by = NULL
                WHERE id = $1 AND locked_by = $2 AND tries = $3
                RETURNING queue_name
            )
            SELECT pg_notify($7, queue_name) FROM changed";
        let waits: Vec<String> = waits.iter().copied().map(go_duration::format).collect();
        let changed = sqlx::query(query)
            .bind(ticket.id)
            .bind(ticket.holder)
            .bind(deliveries_of(ticket))
            .bind(after.as_secs_f64())
            .bind(waits)
            .bind(storable(reason))
            .bind(CHANNEL)
            .bind(i32::from(postponed))
            .fetch_optional(&self.pool)
            .await?;
        Ok(changed.is_some())
    }

    async fn put_aside(
        &self,
        ticket: &Ticket,
        reason: &str,
        dead_letters: Option<&str>,
    ) -> sqlx::Result<bool> {
        let query = "WITH failed AS (
                UPDATE pgq_jobs
                SET failed_at = now(), ran_at = now(), error = $4, locked_until = NULL, locked_by = NULL
                WHERE id = $1 AND locked_by = $2 AND tries = $3
                RETURNING queue_name, data, message_id, attributes
            ), copied AS (
                INSERT INTO pgq_jobs (queue_name, run_after, retry_waits, data, message_id, attributes)
                SELECT $5, now(), '{60s,600s,1800s}', data, message_id,
                       attributes || $6 || jsonb_build_object($7::text, queue_name)
                FROM failed WHERE $5::text IS NOT NULL
                RETURNING queue_name
            )
            SELECT pg_notify($8, copied.queue_name) FROM failed LEFT JOIN copied ON true";
        let mut marks = BTreeMap::new();
        dead_letter::mark(&mut marks, "", ticket.deliveries, &storable(reason));
        let failed = sqlx::query(query)
            .bind(ticket.id)
            .bind(ticket.holder)
            .bind(deliveries_of(ticket))
            .bind(storable(reason))
            .bind(dead_letters)
            .bind(Json(marks))
            .bind(dead_letter::SOURCE)
            .bind(CHANNEL)
            .fetch_optional(&self.pool)
            .await?;
        Ok(failed.is_some())
    }
}

impl Row {
    fn into_taken(self, queue: &str, holder: Uuid) -> Taken {
        let deliveries = self.tries.unsigned_abs();
        Taken {
            ticket: Ticket {
                id: self.id,
                holder,
                deliveries,
            },
            delivery: Delivery {
                source: queue.to_owned(),
                message_id: self
                    .message_id
                    .map_or_else(|| self.id.to_string(), |id| id.to_string()),
                delivery_count: Some(deliveries),
                deadline: None,
                data: self.data.into(),
                attributes: self.attributes.0,
            },
            remaining: Remaining {
                waits: read_waits(self.id, &self.retry_waits),
                deliveries,
                postponed: self.postponed.unsigned_abs(),
                max_tries: self.max_tries.unsigned_abs(),
                age: Duration::try_from_secs_f64(self.age_s).unwrap_or_default(),
            },
        }
    }
}

fn read_waits(id: i64, texts: &[String]) -> Vec<Duration> {
    let waits = texts.iter().filter_map(|text| {
        let wait = go_duration::parse(text);
        if wait.is_none() {
            warn!(id, text, "ignoring a malformed wait");
        }
        wait
    });
    waits.collect()
}

fn deliveries_of(ticket: &Ticket) -> i32 {
    i32::try_from(ticket.deliveries).unwrap_or(i32::MAX)
}

/// Postgres keeps no NUL in a text, and an endless reason helps nobody.
fn storable(reason: &str) -> String {
    reason.chars().filter(|c| *c != '\0').take(2000).collect()
}
