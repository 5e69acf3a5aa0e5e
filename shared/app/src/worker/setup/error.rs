//! Why a worker does not start.

use runtime::ConfigError;
use runtime::secret::SecretError;
use std::path::PathBuf;

/// A worker that cannot start; the flag or the part is named.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A flag cannot be read.
    #[error("invalid {flag}")]
    Flag {
        /// The flag, with its dashes.
        flag: &'static str,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Flags that cannot work together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database does not let this program in.
    #[error("connecting to the database{beside}")]
    Connect {
        /// Which one, where it is not that of leases.
        beside: &'static str,
        /// Why.
        #[source]
        source: database::Error,
    },
    /// The database is of another version.
    #[error(transparent)]
    Schema(database::Error),
    /// The queue cannot be used.
    #[error(transparent)]
    Queue(#[from] messaging::Error),
    /// A store cannot be reached.
    #[error(transparent)]
    Storage(#[from] storage::ConfigError),
    /// A folder cannot be made.
    #[error("making {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The worker itself cannot start.
    #[error(transparent)]
    Worker(#[from] crate::Error),
}
