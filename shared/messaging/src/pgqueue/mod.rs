//! Queues in a table of Postgres, so that nothing but the database is needed.
//!
//! The table `pgq_jobs` is created by the migrations of the product. Messages are taken with a lease (`… SKIP LOCKED`)
//! by the statement that removes those that were handled meanwhile. The lease is extended while the handler runs; a
//! message whose consumer was killed is delivered again when its lease ends. Enqueueing announces itself by `NOTIFY`, so that an idle consumer starts
//! within milliseconds; where announcements get lost (behind a transaction pooler), a slow poll remains.
//! A message that is given up stays in the table with `failed_at` and `error`.

mod enqueue;
mod errors;
mod go_duration;
mod listen;
mod source;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
pub use enqueue::enqueue_in;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use self::{errors::broker_error, listen::Listener};
use crate::{ConsumeOptions, Consumer, Handler, Message, Publisher, Result, RetryPolicy, worker};

/// Settings of a session. Messages are found by the indexes, however few there were when a statement was planned, which is
/// done once.
const SESSION: [(&str, &str); 4] = [
    // not the default: it begins with a schema named after the role
    ("search_path", "public,geocube"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
];

/// The queues of one database. Clones share the pool and the connection that listens.
#[derive(Clone, Debug)]
pub struct PgQueue {
    pool: PgPool,
    policy: Arc<RetryPolicy>,
    listener: Arc<Listener>,
}

impl PgQueue {
    /// Connects to the queues of a database, with at most `connections` besides the one that listens.
    ///
    /// # Errors
    /// [`crate::Error::Failed`] for a malformed URL, which is not repeated since it may hold a password;
    /// [`crate::Error::Unavailable`] when the database does not answer within ten seconds.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(|_| crate::Error::Failed {
            operation: "connect to the queue's database".to_owned(),
            source: "malformed URL, expected postgres://user:password@host:port/name".into(),
        })?;
        Self::connect_with(options, connections).await
    }

    /// As [`PgQueue::connect`], by options that say more than a URL can.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database does not answer within ten seconds.
    pub async fn connect_with(options: PgConnectOptions, connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.application_name("geocube-queue").options(SESSION))
            .await
            .map_err(|source| broker_error("connect to the queue's database".to_owned(), source))?;
        Ok(Self::new(pool))
    }

    /// Uses the table in the search path of the pool's connections.
    ///
    /// Consuming takes one connection more, outside of the pool, to listen.
    pub fn new(pool: PgPool) -> Self {
        Self::with_policy(pool, RetryPolicy::default())
    }

    /// As [`PgQueue::new`], with another retry policy for the messages published here.
    pub fn with_policy(pool: PgPool, policy: RetryPolicy) -> Self {
        let listener = Arc::new(Listener::new(&pool));
        Self {
            pool,
            policy: Arc::new(policy),
            listener,
        }
    }
}

#[async_trait]
impl Publisher for PgQueue {
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> Result<()> {
        let mut connection =
            self.pool.acquire().await.map_err(|source| {
                broker_error(format!("publish to the queue {queue:?}"), source)
            })?;
        enqueue_in(&mut connection, queue, &messages, &self.policy).await
    }
}

#[async_trait]
impl Consumer for PgQueue {
    async fn consume(
        &self,
        queue: &str,
        options: &ConsumeOptions,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<()> {
        let source = Arc::new(source::Table::new(self.pool.clone()));
        let wake = self.listener.subscribe(queue);
        worker::run(source, queue, options, handler, wake, stop).await
    }

    async fn backlog(&self, queue: &str) -> Result<u64> {
        let query = "SELECT count(*) FROM pgq_jobs WHERE queue_name = $1 AND ran_at IS NULL AND failed_at IS NULL \
                     AND (run_after <= now() OR locked_until > now())";
        let rows: i64 = sqlx::query_scalar(query)
            .bind(queue)
            .fetch_one(&self.pool)
            .await
            .map_err(|source| broker_error(format!("count the queue {queue:?}"), source))?;
        Ok(rows.unsigned_abs())
    }
}
