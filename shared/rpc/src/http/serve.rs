//! Serving a port until the stop.

use axum::Router;
use axum::serve::ListenerExt;
use runtime::shutdown::CancellationToken;
use tokio::net::TcpListener;

/// Serves HTTP/1.1 and HTTP/2 in clear text. When `stop` is cancelled no connection is accepted any
/// more, idle ones are closed, and requests in flight are waited for.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // small messages are not to wait for company
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY is not set");
        }
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}
