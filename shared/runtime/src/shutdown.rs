//! An orderly stop on SIGINT or SIGTERM.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
pub use tokio_util::sync::CancellationToken;

/// How long work in flight may take after the signal.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// Work was still in flight when the time to drain it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("work was still in flight {} s after the signal to stop", limit.as_secs())]
pub struct DrainExpired {
    limit: Duration,
}

/// A token that is cancelled by the first SIGINT or SIGTERM of this process. To be called within a tokio runtime.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!(signal = name, "stopping");
        cancelled.cancel();
    });
    Ok(stop)
}

/// Runs `work`, which is to end by itself soon after `stop` is cancelled, and gives it up `limit` after that.
///
/// # Errors
/// When `work` did not end in time.
pub async fn drained<W: Future>(
    stop: &CancellationToken,
    limit: Duration,
    work: W,
) -> Result<W::Output, DrainExpired> {
    let expired = async {
        stop.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        biased;
        output = work => Ok(output),
        () = expired => Err(DrainExpired { limit }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn sigterm_asks_to_stop() {
        let stop = on_signal().unwrap();
        assert!(!stop.is_cancelled());
        let this_process = std::process::id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &this_process])
            .status();
        assert!(kill.unwrap().success());
        tokio::time::timeout(Duration::from_secs(5), stop.cancelled())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn work_that_ends_after_the_signal_gives_its_output() {
        let stop = CancellationToken::new();
        stop.cancel();
        let work = async {
            stop.cancelled().await;
            7
        };
        assert_eq!(drained(&stop, SHORT, work).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_after_the_limit() {
        let stop = CancellationToken::new();
        stop.cancel();
        let error = drained(&stop, SHORT, std::future::pending::<()>()).await;
        assert_eq!(error, Err(DrainExpired { limit: SHORT }));
    }

    #[tokio::test]
    async fn work_goes_on_while_nobody_asks_it_to_stop() {
        let stop = CancellationToken::new();
        let work = tokio::time::sleep(SHORT * 3);
        assert_eq!(drained(&stop, Duration::ZERO, work).await, Ok(()));
    }
}
