//! Tokens that are read again while the service runs.

use super::tokens;
use crate::config::{LiveTokens, Replaced, TokenFlags};
use crate::shutdown::CancellationToken;

/// Reads file and secret again every `tokensReload` and puts what they hold in force, until `stop`. What cannot be read or
/// used changes nothing, nor does an end of all tokens: a warning tells of both. Ends at once where nothing can change.
pub async fn reload_tokens(
    flags: TokenFlags,
    project: Option<String>,
    live: LiveTokens,
    stop: CancellationToken,
) {
    let Some(pause) = flags.reload() else {
        return;
    };
    let reloading = async {
        loop {
            tokio::time::sleep(pause).await;
            match tokens(&flags, project.as_deref()).await {
                Ok(read) => match live.replace(read) {
                    Replaced::Yes => tracing::info!("tokens are replaced"),
                    Replaced::Same => {}
                    Replaced::WouldOpen => tracing::warn!(
                        "no token is configured any more: the former ones stay in force until the next start"
                    ),
                },
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "tokens cannot be read again: the former ones stay in force"
                ),
            }
        }
    };
    stop.run_until_cancelled(reloading).await;
}
