//! What can go wrong with the database.

use crate::constraint;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

/// Code of the server for a statement that took too long.
const STATEMENT_TIMEOUT: &str = "57014";

/// Result of a database request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed database request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller can understand it and act upon it.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// The same request may succeed later: lost connection, conflict with another transaction,
    /// server starting or stopping.
    #[error("the database is not available for now")]
    Unavailable {
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No connection could be opened within the time given to a start.
    #[error("no connection to the database at {server}")]
    Unreachable {
        /// Host and port, or the folder of a socket.
        server: String,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No connection could be had in time: all of the pool are in use, or the server accepts none.
    #[error(
        "none of the {connections} connections of the database pool could be had within {waited:?}"
    )]
    PoolExhausted {
        /// Size of the pool.
        connections: u32,
        /// How long the request waited.
        waited: Duration,
    },
    /// Something that a transaction had just seen was removed by another one before it was locked.
    #[error("{0} was removed meanwhile by another transaction")]
    LostRace(&'static str),
    /// The connection was lost while a transaction was committed: the change is in effect, or not.
    #[error("the connection was lost during a commit, whose outcome is unknown")]
    OutcomeUnknown {
        /// How it was lost.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A fault of the service or of the stored data.
    #[error("the database request failed")]
    Internal {
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::PoolExhausted { .. }
            | Self::LostRace(_)
            | Self::OutcomeUnknown { .. } => true,
            Self::Domain(_) | Self::Internal { .. } => false,
        }
    }

    /// Whether the transaction lost against another one (deadlock, serialization failure, or what
    /// it needs was removed): the whole of it can be run again at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::LostRace(_))
            || matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }

    /// What a caller has to do without for now, for a sentence that ends with "is not available for
    /// now".
    pub fn missing_part(&self) -> String {
        match self {
            Self::PoolExhausted { connections, waited } => format!(
                "a connection of the database pool (none of {connections} within {} s, flag dbMaxConnections)",
                waited.as_secs_f64()
            ),
            Self::OutcomeUnknown { .. } => {
                "the database (the connection was lost during the commit: the change may be in effect)".to_owned()
            }
            conflict if conflict.is_conflict() => {
                "the database (other transactions were in the way each time)".to_owned()
            }
            slow if slow.is_statement_timeout() => {
                "the database (a statement took too long, flag statementTimeout)".to_owned()
            }
            Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::LostRace(_)
            | Self::Domain(_)
            | Self::Internal { .. } => "the database".to_owned(),
        }
    }

    /// This error as that of a commit, or of a statement that commits itself: when the connection is
    /// lost, or the server ends it, the change may be in effect.
    pub(crate) fn during_commit(self) -> Self {
        let is_farewell = |code: &str| code.starts_with("08") || code.starts_with("57P");
        match self {
            Self::Unavailable { source } => {
                let answered = source
                    .downcast_ref::<sqlx::Error>()
                    .and_then(sqlx::Error::as_database_error)
                    .and_then(sqlx::error::DatabaseError::code)
                    .is_some_and(|code| !is_farewell(&code));
                if answered {
                    Self::Unavailable { source }
                } else {
                    Self::OutcomeUnknown { source }
                }
            }
            other => other,
        }
    }

    /// What the server says of a request that may succeed later.
    fn code(&self) -> Option<Cow<'_, str>> {
        let Self::Unavailable { source } = self else {
            return None;
        };
        source
            .downcast_ref::<sqlx::Error>()
            .and_then(sqlx::Error::as_database_error)
            .and_then(sqlx::error::DatabaseError::code)
    }

    /// Whether a statement was stopped because it took too long: each further try may end the same
    /// way.
    pub fn is_statement_timeout(&self) -> bool {
        self.code().as_deref() == Some(STATEMENT_TIMEOUT)
    }

    /// The same request may succeed later, for a reason of our own.
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            source: reason.into().into(),
        }
    }

    /// A stored row that cannot be understood.
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Internal {
            source: reason.into().into(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => {
                let known = cause
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .and_then(constraint::domain_error);
                match known {
                    Some(known) => Self::Domain(known),
                    None if is_transient(cause.code().as_deref()) => Self::Unavailable {
                        source: error.into(),
                    },
                    None => Self::Internal {
                        source: error.into(),
                    },
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable {
                source: error.into(),
            },
            _ => Self::Internal {
                source: error.into(),
            },
        }
    }
}

/// Classes 08 (connection), 40 (rollback), 53 (resources), 57P0x (shutdown and start) and the
/// codes of a lock that was not obtained and of a statement that took too long.
pub(crate) fn is_transient(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    ["08", "40", "53", "57P0"]
        .iter()
        .any(|class| code.starts_with(class))
        || matches!(code, "55P03" | STATEMENT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::is_transient;

    #[test]
    fn only_some_codes_are_worth_another_try() {
        for code in [
            "08006", "40001", "40P01", "53300", "57P01", "57P03", "55P03", "57014",
        ] {
            assert!(is_transient(Some(code)), "{code}");
        }
        for code in ["23505", "22P02", "42P01", "XX000", "55000"] {
            assert!(!is_transient(Some(code)), "{code}");
        }
        assert!(!is_transient(None));
    }

    #[test]
    fn a_connection_lost_during_a_commit_leaves_its_outcome_open() {
        let lost = super::Error::from(sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into()));
        let lost = lost.during_commit();
        assert!(matches!(lost, super::Error::OutcomeUnknown { .. }));
        assert!(lost.is_retryable() && !lost.is_conflict());
        let refused = super::Error::from(domain::Error::invalid("x")).during_commit();
        assert!(matches!(refused, super::Error::Domain(_)));
    }

    #[test]
    fn a_lost_connection_is_worth_another_try() {
        for error in [
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
            sqlx::Error::PoolClosed,
        ] {
            let error = super::Error::from(error);
            assert!(error.is_retryable() && !error.is_conflict(), "{error:?}");
        }
    }

    #[test]
    fn a_pool_without_free_connection_is_unavailable() {
        let error = super::Error::from(sqlx::Error::PoolTimedOut);
        assert!(error.is_retryable() && !error.is_conflict());
    }
}
