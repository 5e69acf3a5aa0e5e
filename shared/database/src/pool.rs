//! Connections.

use crate::{Error, Result, Tx, reach};
use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};
use url::Url;

/// A connection that was used so recently is taken for alive: asking costs as much as a small query. After a restart
/// of the database each of them fails once.
const FRESH: Duration = Duration::from_secs(1);

/// Bounds of a pool of connections.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Largest number of connections, half of them for what stores: 2 at least.
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run; zero for no bound.
    pub statement_timeout: Duration,
    /// Name shown in the statistics of the server.
    pub application_name: String,
}

impl Default for PoolOptions {
    /// 20 connections, 10 s to get one, 60 s a statement.
    fn default() -> Self {
        Self {
            max_connections: 20,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_mins(1),
            application_name: "geocube".to_owned(),
        }
    }
}

/// The catalogue. Cheap to clone; all clones share the same connections.
#[derive(Clone, Debug)]
pub struct Database {
    /// Plans every statement for the values at hand: a window, a tag or a list of ids decides which
    /// index is worth using.
    reads: PgPool,
    /// Plans a statement once: what is stored decides nothing, and the foreign keys are checked by a
    /// statement for every row.
    writes: PgPool,
    statement_timeout: Duration,
}

/// Fewest connections of a [`Database`]: one to read and one to store.
pub const LEAST_CONNECTIONS: u32 = 2;

impl Database {
    /// Connects to the database of a URL, `postgres://user:password@host:port/name?sslmode=…`.
    ///
    /// The parameter `binary_parameters` is accepted and ignored. Times are UTC in every session.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for a malformed URL; as [`Self::connect_with`].
    pub async fn connect(url: &str, options: &PoolOptions) -> Result<Self> {
        Self::connect_with(connect_options(url)?, options).await
    }

    /// Connects by options that [`connect_options`] or [`crate::connect_with_certificates`] made.
    ///
    /// # Errors
    /// As [`crate::reach`]; [`domain::Error::Invalid`] for fewer than [`LEAST_CONNECTIONS`].
    pub async fn connect_with(connect: PgConnectOptions, options: &PoolOptions) -> Result<Self> {
        let connect = connect.application_name(&options.application_name);
        let connect_with = |plans: &str| {
            let session = session(options.statement_timeout, plans);
            connect.clone().options(session)
        };
        if options.max_connections < LEAST_CONNECTIONS {
            return Err(domain::Error::invalid(format!(
                "max_connections: {} are too few, expected at least {LEAST_CONNECTIONS}",
                options.max_connections
            ))
            .into());
        }
        reach(&connect, options.acquire_timeout).await?;
        let writing = options.max_connections / 2;
        let reading = options.max_connections - writing;
        Ok(Self {
            reads: pool(options, reading)
                .connect_with(connect_with("force_custom_plan"))
                .await?,
            writes: pool(options, writing).connect_lazy_with(connect_with("auto")),
            statement_timeout: options.statement_timeout,
        })
    }

    /// Brings the database of a URL to the schema of this program: [`crate::migrate::run`].
    pub async fn migrate(url: &str) -> Result<()> {
        crate::migrate::run(url).await
    }

    /// Whether the schema is the one that this program works with: [`crate::migrate::check`].
    pub async fn check_schema(&self) -> Result<()> {
        crate::migrate::check(&mut *self.read().await?).await
    }

    /// Begins a transaction, rolled back unless committed.
    ///
    /// # Errors
    /// [`Error::PoolExhausted`] when no connection can be had within the acquire timeout.
    pub async fn begin(&self) -> Result<Tx> {
        let begun = self.writes.begin().await;
        Ok(Tx::new(
            begun.map_err(|error| explained(&self.writes, error))?,
        ))
    }

    /// A connection for reads outside a transaction, given back when dropped. Whoever holds one, or a
    /// transaction, must not ask for another: in a pool in full use each would wait for the others.
    ///
    /// # Errors
    /// [`Error::PoolExhausted`] when no connection can be had within the acquire timeout.
    pub async fn read(&self) -> Result<Connection> {
        acquire(&self.reads).await
    }

    /// A connection for single statements that store, or that look up by keys what is asked for often: they are planned once.
    /// Given back when dropped; as for [`Self::read`], one at a time.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn write(&self) -> Result<Connection> {
        acquire(&self.writes).await
    }

    /// A connection outside the pools, for a runtime of its own: those of the pools need the runtime that made them. Closed
    /// when dropped.
    pub async fn connect_alone(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.writes.connect_options()).await?)
    }

    /// How long one statement may run; zero for no bound.
    pub(crate) fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1")
            .execute(&mut *self.read().await?)
            .await?;
        Ok(())
    }

    /// Waits for the connections in use and closes all of them.
    pub async fn close(&self) {
        futures::join!(self.reads.close(), self.writes.close());
    }
}

/// A connection of a pool.
#[derive(Debug)]
pub struct Connection(PoolConnection<Postgres>);

impl Connection {
    /// Closes the connection, whose statement is not over, rather than giving it back.
    pub(crate) fn discard(mut self) {
        self.0.close_on_drop();
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

/// Reads a URL, without the parameters that only other drivers know.
///
/// # Errors
/// [`domain::Error::Invalid`] when it is malformed; it is not shown, as it may hold a password.
pub fn connect_options(url: &str) -> Result<PgConnectOptions> {
    // neither the URL nor the driver's text may be shown: they can hold the password
    let malformed = || {
        domain::Error::invalid(
            "dbConnection: malformed, expected postgres://user:password@host:port/name",
        )
    };
    let mut url = Url::parse(url).map_err(|_| malformed())?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(malformed().into());
    }
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != "binary_parameters")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    let options: PgConnectOptions = url.as_str().parse().map_err(|_| malformed())?;
    // not the default: it begins with a schema named after the role, and ours may be named alike
    Ok(options.options([("search_path", "public,geocube")]))
}

async fn acquire(pool: &PgPool) -> Result<Connection> {
    let acquired = pool.acquire().await;
    Ok(Connection(
        acquired.map_err(|error| explained(pool, error))?,
    ))
}

fn explained(pool: &PgPool, error: sqlx::Error) -> Error {
    let options = pool.options();
    match error {
        sqlx::Error::PoolTimedOut => Error::PoolExhausted {
            connections: options.get_max_connections(),
            waited: options.get_acquire_timeout(),
        },
        other => other.into(),
    }
}

fn pool(options: &PoolOptions, max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move { Ok(idle.idle_for < FRESH || connection.ping().await.is_ok()) })
        })
}

/// Settings of a session; compiling plans costs more than they run.
fn session(statement_timeout: Duration, plans: &str) -> [(&'static str, String); 3] {
    [
        (
            "statement_timeout",
            statement_timeout.as_millis().to_string(),
        ),
        ("plan_cache_mode", plans.to_owned()),
        ("jit", "off".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::connect_options;

    #[test]
    fn parameters_of_other_drivers_are_ignored() {
        let options = connect_options(
            "postgres://me:p%40ss@db.example:5433/geo?binary_parameters=yes&sslmode=disable",
        )
        .unwrap();
        assert_eq!(options.get_host(), "db.example");
        assert_eq!(options.get_port(), 5433);
        assert_eq!(options.get_database(), Some("geo"));
        assert!(matches!(
            options.get_ssl_mode(),
            sqlx::postgres::PgSslMode::Disable
        ));
    }

    #[test]
    fn a_malformed_url_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "http://me:secret@host/db",
            "postgres://me:secret@host:99999/db",
        ] {
            let text = connect_options(url).unwrap_err().to_string();
            assert!(
                text.starts_with("dbConnection: ") && !text.contains("secret"),
                "{text}"
            );
        }
    }
}
