//! One connection, from its first byte to its last.

use super::Tls;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use runtime::shutdown::CancellationToken;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Time for the handshake of TLS.
pub(super) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Pause between pings to a client of HTTP/2, and the time it has to answer: what was begun for one
/// that is gone is given up then.
const PING_INTERVAL: Duration = Duration::from_mins(1);
const PING_LIMIT: Duration = Duration::from_mins(1);
/// What requests in flight get besides the age, once the connection is that old.
const SPARE: Duration = Duration::from_mins(1);

/// What a connection that failed tells the log.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// When a connection ends.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// Age at which it takes no further request.
    pub(super) age: Option<Duration>,
    /// Cancelled at the stop of the server.
    pub(super) stop: CancellationToken,
}

/// What serves one connection.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) tls: Option<Tls>,
    /// Time for the handshake of TLS.
    pub(super) handshake_limit: Duration,
    pub(super) lifetime: Lifetime,
}

impl Connection {
    /// Serves what comes by `stream`, until either side ends it.
    ///
    /// # Errors
    /// When the peer breaks off, or speaks neither TLS, where it should, nor HTTP.
    pub(super) async fn serve(self, stream: TcpStream) -> Result<(), Failure> {
        let Self {
            router,
            tls,
            handshake_limit,
            lifetime,
        } = self;
        let Some(tls) = tls else {
            return speak(stream, router, &lifetime).await;
        };
        let handshake = timeout(handshake_limit, tls.accept(stream));
        match lifetime.stop.run_until_cancelled(handshake).await {
            // nothing was asked yet
            None => Ok(()),
            Some(shaken) => speak(shaken??, router, &lifetime).await,
        }
    }
}

/// Speaks the version of HTTP that the client begins with.
async fn speak<S>(stream: S, router: Router, lifetime: &Lifetime) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_LIMIT);
    let service = TowerToHyperService::new(router);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = lifetime.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        age = old(lifetime.age) => {
            connection.as_mut().graceful_shutdown();
            timeout(age.saturating_add(SPARE), connection).await?
        }
    }
}

/// Waits until the connection is old; for ever without an age.
async fn old(age: Option<Duration>) -> Duration {
    match age {
        None => std::future::pending().await,
        Some(age) => {
            sleep(age).await;
            age
        }
    }
}

#[cfg(test)]
mod tests;
