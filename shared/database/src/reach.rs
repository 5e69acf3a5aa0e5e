//! The first connection of a program: its failures are told at once, and the server is waited for.

use crate::error::is_transient;
use crate::{Error, Result};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Opens a connection and closes it, again and again for as long as the server is away but not
/// longer than `limit`. The first failure is logged when it happens, with its cause.
///
/// # Errors
/// [`Error::Unreachable`] with the last cause; at once for one that time does not mend, such as a
/// wrong password.
pub async fn reach(options: &PgConnectOptions, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    let mut is_told = false;
    loop {
        let error = match timeout_at(deadline, options.connect()).await {
            Ok(Ok(connection)) => {
                if let Err(error) = connection.close().await {
                    tracing::debug!(%error, "the first connection was not closed in order");
                }
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_elapsed) => sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {} s", limit.as_secs_f64()),
            )),
        };
        if !may_pass(&error) || Instant::now() + PAUSE >= deadline {
            return Err(Error::Unreachable {
                server: server(options),
                source: error.into(),
            });
        }
        if !is_told {
            is_told = true;
            tracing::warn!(
                server = server(options),
                error = &error as &dyn std::error::Error,
                "the database cannot be reached, trying again for {} s",
                limit.as_secs_f64()
            );
        }
        sleep(PAUSE).await;
    }
}

/// Whether the server may be there a little later.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(cause) => is_transient(cause.code().as_deref()),
        _ => false,
    }
}

/// Where a server is, without user and password.
fn server(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => format!("{}:{}", folder.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}
