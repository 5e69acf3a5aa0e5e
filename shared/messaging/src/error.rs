use std::error::Error as StdError;

/// Result of an operation on a queue.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why messages could not be published or taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker does not answer at present; the same operation may succeed later.
    #[error("cannot {operation}: the broker is not available")]
    Unavailable {
        /// What was attempted, with the name of the queue.
        operation: String,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The broker refuses for good: unknown queue, missing rights, malformed message.
    #[error("cannot {operation}")]
    Failed {
        /// What was attempted, with the name of the queue.
        operation: String,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// Whether trying again later may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}
