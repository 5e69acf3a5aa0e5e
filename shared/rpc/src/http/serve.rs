//! Serving a port until the stop.

use super::Tls;
use super::connection::{Connection, HANDSHAKE_LIMIT, Lifetime};
use axum::Router;
use axum::serve::Listener;
use runtime::shutdown::CancellationToken;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// How a port is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Certificate and key; clear text without.
    pub tls: Option<Tls>,
    /// Age at which a connection takes no further request, so that clients spread over instances
    /// that came later. What is in flight by then gets this time again to end.
    pub connection_age: Option<Duration>,
}

/// [`serve_with`] in clear text, with connections of any age.
///
/// # Errors
/// As [`serve_with`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    serve_with(listener, router, ServeOptions::default(), stop).await
}

/// Serves HTTP/1.1 and HTTP/2. When `stop` is cancelled no connection is accepted any more, idle
/// ones are closed, and requests in flight are waited for.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_with(
    mut listener: TcpListener,
    router: Router,
    options: ServeOptions,
    stop: CancellationToken,
) -> std::io::Result<()> {
    // one that is not bound is found out here rather than by accepting for ever
    listener.local_addr()?;
    let connections = TaskTracker::new();
    let lifetime = Lifetime {
        age: options.connection_age,
        stop: stop.clone(),
    };
    while let Some((stream, peer)) = stop
        .run_until_cancelled(Listener::accept(&mut listener))
        .await
    {
        // small messages are not to wait for company
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "TCP_NODELAY is not set");
        }
        let connection = Connection {
            router: router.clone(),
            tls: options.tls.clone(),
            handshake_limit: HANDSHAKE_LIMIT,
            lifetime: lifetime.clone(),
        };
        connections.spawn(async move {
            if let Err(error) = connection.serve(stream).await {
                tracing::debug!(%peer, error = &*error as &dyn std::error::Error, "connection failed");
            }
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}
