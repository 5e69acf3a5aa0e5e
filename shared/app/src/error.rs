//! What a use case can answer besides its result.

use std::sync::Arc;

/// Result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed use case. The one table from these to gRPC and HTTP statuses is in `rpc`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The caller can understand it and act upon it.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// A part that the service needs does not answer for now: try again.
    #[error("{what} is not available for now")]
    Unavailable {
        /// The part, for example `the database`.
        what: String,
        /// Why.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The time given to the call is over.
    #[error("deadline exceeded: {0}")]
    DeadlineExceeded(String),
    /// The caller went away, or the service stops.
    #[error("cancelled: {0}")]
    Cancelled(String),
    /// A fault of the service itself.
    #[error("{what} failed")]
    Internal {
        /// What was attempted.
        what: String,
        /// Why; for the log, never for the caller.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A malformed or out-of-range field.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Domain(domain::Error::invalid(text))
    }

    /// A fault of the service itself.
    pub fn internal(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal {
            what: what.into(),
            source: Arc::from(source.into()),
        }
    }

    /// A part that does not answer for now.
    pub fn unavailable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            what: what.into(),
            source: Arc::from(source.into()),
        }
    }

    /// What a store said, where that is why a file is not available.
    fn of_store(&self) -> Option<&storage::Error> {
        match self {
            Self::Unavailable { source, .. } => source.downcast_ref(),
            Self::Domain(_)
            | Self::DeadlineExceeded(_)
            | Self::Cancelled(_)
            | Self::Internal { .. } => None,
        }
    }

    /// Whether a file was replaced while it was read: what is opened now is the new one.
    pub(crate) fn is_of_a_replaced_file(&self) -> bool {
        matches!(self.of_store(), Some(storage::Error::Changed { .. }))
    }

    /// Why a store failed, in few words for the caller: the log has the rest.
    pub(crate) fn outline(&self) -> Option<String> {
        match self.of_store()? {
            storage::Error::Changed { .. } => Some("it is replaced again and again".to_owned()),
            error => error.outline(),
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::DeadlineExceeded(_) | Self::Cancelled(_) => true,
            Self::Domain(_) | Self::Internal { .. } => false,
        }
    }
}

impl database::Conflict for Error {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Unavailable { source, .. } => source
                .downcast_ref::<database::Error>()
                .is_some_and(database::Error::is_conflict),
            Self::Domain(_)
            | Self::DeadlineExceeded(_)
            | Self::Cancelled(_)
            | Self::Internal { .. } => false,
        }
    }
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Domain(error) => Self::Domain(error),
            transient if transient.is_retryable() => {
                Self::unavailable(transient.missing_part(), transient)
            }
            fault => Self::internal("a database request", fault),
        }
    }
}

impl From<imaging::Error> for Error {
    fn from(error: imaging::Error) -> Self {
        if let Some(error) = error.as_domain() {
            return Self::Domain(error);
        }
        match error {
            imaging::Error::Cancelled => {
                Self::Cancelled("nobody waits for the pixels any more".to_owned())
            }
            imaging::Error::Store { name, source } => Self::unavailable(name, source),
            // the file is there but broken: nothing that this service could mend or that would pass
            broken @ imaging::Error::Read { .. } => {
                Self::Domain(domain::Error::Precondition(broken.to_string()))
            }
            fault => Self::internal("work on pixels", fault),
        }
    }
}
