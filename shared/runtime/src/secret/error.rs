//! Why a secret cannot be used.

use std::time::Duration;

use super::SecretName;
use crate::ConfigError;

/// A secret that was not fetched, or holds something else than was expected.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The credentials of this machine cannot be used.
    #[error("{name}: no credentials of Google Cloud")]
    Credentials {
        /// The secret.
        name: SecretName,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The project has no such secret, or none of its versions can be read.
    #[error("{name}: not found ({reason})")]
    NotFound {
        /// The secret.
        name: SecretName,
        /// What Secret Manager says.
        reason: String,
    },
    /// The account of this process may not read it.
    #[error(
        "{name}: access is denied, its account needs the role Secret Manager Secret Accessor ({reason})"
    )]
    Denied {
        /// The secret.
        name: SecretName,
        /// What Secret Manager says.
        reason: String,
    },
    /// Another refusal.
    #[error("{name}: Secret Manager answers {reason}")]
    Refused {
        /// The secret.
        name: SecretName,
        /// Status and text.
        reason: String,
    },
    /// No answer, after some tries.
    #[error("{name}: Secret Manager cannot be reached")]
    Unreachable {
        /// The secret.
        name: SecretName,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time.
    #[error("{name}: no answer within {} s", limit.as_secs())]
    TimedOut {
        /// The secret.
        name: SecretName,
        /// The time it was given.
        limit: Duration,
    },
    /// An answer that holds no text.
    #[error("{name}: the answer holds no text in UTF-8")]
    NoText {
        /// The secret.
        name: SecretName,
    },
    /// The address of another Secret Manager is none.
    #[error("invalid {variable}: expected host:port or a URL of HTTP")]
    Address {
        /// The variable of the environment.
        variable: &'static str,
    },
    /// What it holds, or a flag, is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
