//! What can be wrong with a configuration as a whole; single bad values are refused while parsing.

use std::path::PathBuf;

use crate::secret::SecretName;

/// A combination of flags that cannot start, or a file named by one that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A flag that is needed is absent.
    #[error("missing {flags}: {reason}")]
    Missing {
        /// The flags, any of which or all of which are needed, as `reason` says.
        flags: &'static str,
        /// Why it is needed.
        reason: &'static str,
    },
    /// A flag has a value that cannot be used; the value is not repeated, as it may be a secret.
    #[error("invalid {flag}: expected {expected}")]
    Invalid {
        /// The flag, with its dashes.
        flag: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// Flags that contradict each other.
    #[error("{flags}: {reason}")]
    Conflict {
        /// The flags, with their dashes.
        flags: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file named by a flag cannot be read.
    #[error("{flag}: cannot read {}", path.display())]
    Unreadable {
        /// The flag, with its dashes.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file named by a flag holds something else; what it holds is not repeated.
    #[error("{flag}: {}: expected {expected}", path.display())]
    InvalidFile {
        /// The flag, with its dashes.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// A secret named by a flag holds something else; what it holds is not repeated.
    #[error("{secret}: expected {expected}")]
    InvalidSecret {
        /// The flag and the secret.
        secret: SecretName,
        /// What was expected.
        expected: &'static str,
    },
}
