use std::{error::Error as StdError, io};

use domain::{Scheme, Uri};

/// Result of an operation on a storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on a file failed. Every variant names the file; the source gives the cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("{uri} does not exist")]
    NotFound {
        /// The missing file.
        uri: Uri,
    },
    /// The file may not be read or written by this service.
    #[error("access to {uri} is denied: {reason}")]
    PermissionDenied {
        /// The protected file.
        uri: Uri,
        /// What forbids it, and what would allow it.
        reason: String,
    },
    /// The store does not answer at present; the same operation may succeed later.
    #[error("the storage of {uri} is not available")]
    Unavailable {
        /// The file that was asked for.
        uri: Uri,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// No backend serves this kind of address.
    #[error("no storage backend is configured for the scheme {scheme} ({uri})")]
    Unsupported {
        /// The file that was asked for.
        uri: Uri,
        /// Its scheme.
        scheme: Scheme,
    },
    /// The request makes no sense for this file.
    #[error("{uri}: {reason}")]
    Invalid {
        /// The file that was asked for.
        uri: Uri,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The file is not the one that the caller has seen before.
    #[error("{uri} has changed since it was opened")]
    Changed {
        /// The replaced file.
        uri: Uri,
    },
    /// The file is there already, and was to be created.
    #[error("{uri} exists already")]
    AlreadyExists {
        /// The file of before.
        uri: Uri,
    },
    /// The file is larger than the caller is ready to hold.
    #[error("{uri} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The large file.
        uri: Uri,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The operation failed for good.
    #[error("cannot {operation} {uri}")]
    Failed {
        /// The file that was asked for.
        uri: Uri,
        /// Verb of the operation.
        operation: &'static str,
        /// Cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// A backend that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the storage of {scheme}:// cannot be configured")]
pub struct ConfigError {
    /// Scheme of the backend.
    pub scheme: Scheme,
    /// Cause.
    #[source]
    pub source: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// Whether trying again later may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::NotFound { .. }
            | Self::PermissionDenied { .. }
            | Self::Unsupported { .. }
            | Self::Invalid { .. }
            | Self::Changed { .. }
            | Self::AlreadyExists { .. }
            | Self::TooLarge { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether the file is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn invalid(uri: &Uri, reason: impl Into<String>) -> Self {
        Self::Invalid {
            uri: uri.clone(),
            reason: reason.into(),
        }
    }

    /// An answer that is worth another try.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn unavailable(
        uri: &Uri,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            uri: uri.clone(),
            source: source.into(),
        }
    }

    /// Sorts the HTTP status of a refused request.
    #[cfg(any(feature = "gcs", feature = "s3"))]
    pub(crate) fn from_status(
        uri: &Uri,
        operation: &'static str,
        status: u16,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let (uri, source) = (uri.clone(), source.into());
        match status {
            404 => Self::NotFound { uri },
            401 | 403 => Self::PermissionDenied {
                uri,
                reason: format!(
                    "the store answers {status} to the request to {operation} it: {source}"
                ),
            },
            304 | 412 => Self::Changed { uri },
            408 | 425 | 429 | 500..=599 => Self::Unavailable { uri, source },
            _ => Self::Failed {
                uri,
                operation,
                source,
            },
        }
    }

    /// Sorts a failure of the operating system into missing, forbidden, temporary and permanent ones.
    pub(crate) fn from_io(uri: &Uri, operation: &'static str, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let uri = uri.clone();
        match source.kind() {
            // a file where a folder was expected: nothing can be below it
            Kind::NotFound | Kind::NotADirectory => Self::NotFound { uri },
            Kind::PermissionDenied => Self::PermissionDenied {
                uri,
                reason: format!("the operating system refuses to {operation} it"),
            },
            Kind::IsADirectory => Self::Invalid {
                uri,
                reason: "is a folder, expected a file".into(),
            },
            Kind::InvalidFilename => Self::Invalid {
                uri,
                reason: "its name is too long or malformed".into(),
            },
            Kind::Interrupted
            | Kind::TimedOut
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::OutOfMemory
            | Kind::ResourceBusy
            | Kind::StaleNetworkFileHandle => Self::Unavailable {
                uri,
                source: source.into(),
            },
            _ if is_temporary(&source) => Self::Unavailable {
                uri,
                source: source.into(),
            },
            _ => Self::Failed {
                uri,
                operation,
                source: source.into(),
            },
        }
    }
}

/// Linux error numbers that have no stable [`io::ErrorKind`].
fn is_temporary(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    const EAGAIN: i32 = 11;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ECANCELED: i32 = 125;
    matches!(
        error.raw_os_error(),
        Some(EIO | EAGAIN | ENFILE | EMFILE | ECANCELED)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_system_are_sorted() {
        let uri = Uri::parse("/a.tif").unwrap();
        // (error number, retryable, text)
        let cases = [
            (2, false, "/a.tif does not exist"),
            (20, false, "/a.tif does not exist"),
            (
                13,
                false,
                "access to /a.tif is denied: the operating system refuses to read it",
            ),
            (21, false, "/a.tif: is a folder, expected a file"),
            (36, false, "/a.tif: its name is too long or malformed"),
            (5, true, "the storage of /a.tif is not available"),
            (16, true, "the storage of /a.tif is not available"),
            (24, true, "the storage of /a.tif is not available"),
            (104, true, "the storage of /a.tif is not available"),
            (28, false, "cannot read /a.tif"),
        ];
        for (number, retryable, text) in cases {
            let error = Error::from_io(&uri, "read", io::Error::from_raw_os_error(number));
            assert_eq!(
                (error.is_retryable(), error.to_string().as_str()),
                (retryable, text),
                "{number}"
            );
        }
    }
}
