use std::io;

/// Result of an imaging operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked for something that cannot be: the text names the field and what was expected.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// A file is missing, unreadable, or not of an accepted format.
    #[error("{name} cannot be opened: {reason}")]
    Open {
        /// Address of the dataset.
        name: String,
        /// What the raster library said.
        reason: String,
    },
    /// A file has fewer bands than expected.
    #[error("{name} has no band: {band}")]
    NoBand {
        /// Address of the dataset.
        name: String,
        /// Band asked for, from 1.
        band: i32,
    },
    /// A file cannot be placed on the globe.
    #[error("failed to get dataset's bounds of {name}: {reason}")]
    NoBounds {
        /// Address of the dataset.
        name: String,
        /// What is missing.
        reason: String,
    },
    /// The sample type of a file cannot be handled.
    #[error("{name}: {reason}")]
    SampleType {
        /// Address of the dataset.
        name: String,
        /// Which type, or which difference between bands.
        reason: String,
    },
    /// The pixels of a file could not be read.
    #[error("reading {name}: {reason}")]
    Read {
        /// Address of the dataset.
        name: String,
        /// What the raster library said.
        reason: String,
    },
    /// The store of a file did not give it, for reasons that may pass: it says nothing about the file.
    #[error("the store of {name} failed")]
    Store {
        /// Address of the dataset.
        name: String,
        /// What the store said.
        #[source]
        source: storage::Error,
    },
    /// The raster library failed at something else.
    #[error("{action}: {reason}")]
    Gdal {
        /// What was attempted.
        action: &'static str,
        /// What the raster library said.
        reason: String,
    },
    /// Something that this crate does not do.
    #[error("{0}")]
    Unsupported(String),
    /// More memory is needed than the limit allows.
    #[error("{what} needs {needed} bytes, above the limit of {limit}")]
    TooLarge {
        /// What needs the memory.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
    /// A tiled file could not be assembled.
    #[error("assembling {name}")]
    Assemble {
        /// The file or record at fault.
        name: String,
        /// What is wrong.
        #[source]
        source: cog::Error,
    },
    /// A local file could not be written or read.
    #[error("{action} {path}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A PNG image could not be written.
    #[error("writing a PNG image")]
    Png(#[from] png::EncodingError),
}

impl Error {
    /// A failed call of the raster library.
    pub(crate) fn gdal(action: &'static str, reason: impl Into<String>) -> Self {
        Self::Gdal {
            action,
            reason: reason.into(),
        }
    }

    /// What a store said while a file was opened: what will not pass is a fault of the request.
    pub(crate) fn opening(name: String, source: storage::Error) -> Self {
        if passes(&source) {
            Self::Store { name, source }
        } else {
            let reason = with_cause(&source);
            Self::Open { name, reason }
        }
    }

    /// What a store said while pixels were read.
    pub(crate) fn reading(name: String, source: storage::Error) -> Self {
        if passes(&source) {
            Self::Store { name, source }
        } else {
            let reason = with_cause(&source);
            Self::Read { name, reason }
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store { .. })
    }

    /// The failure in the words of the domain, when a caller's file or request caused it: everything but the
    /// faults of this machine. Files that cannot be used are invalid, exceeded bounds are limits.
    pub fn as_domain(&self) -> Option<domain::Error> {
        match self {
            Self::Domain(error) => Some(error.clone()),
            Self::Open { .. }
            | Self::NoBand { .. }
            | Self::NoBounds { .. }
            | Self::SampleType { .. }
            | Self::Unsupported(_) => Some(domain::Error::Invalid(self.to_string())),
            Self::TooLarge { .. } => Some(domain::Error::LimitExceeded(self.to_string())),
            Self::Read { .. }
            | Self::Store { .. }
            | Self::Gdal { .. }
            | Self::Cancelled
            | Self::Assemble { .. }
            | Self::Io { .. }
            | Self::Png(_) => None,
        }
    }
}

/// Whether the file may be readable later; one that was replaced is.
fn passes(error: &storage::Error) -> bool {
    error.is_retryable() || matches!(error, storage::Error::Changed { .. })
}

fn with_cause(error: &storage::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What the store said, where that is why a file could not be parsed or decoded.
pub(crate) fn of_store(error: cog::Error) -> Result<storage::Error, cog::Error> {
    match error {
        cog::Error::Read {
            offset,
            len,
            source,
        } => source
            .downcast::<storage::Error>()
            .map_err(|source| cog::Error::Read {
                offset,
                len,
                source,
            }),
        other => Err(other),
    }
}
