//! Why a payload is refused.

/// A payload that cannot be used, however often it is delivered.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// Not a JSON object.
    #[error("payload is not a JSON object")]
    Malformed {
        /// Position and reason.
        #[source]
        source: serde_json::Error,
    },
    /// Another version.
    #[error("payload has \"v\": {found}, expected 1")]
    Version {
        /// What it has, shortened.
        found: String,
    },
    /// Another type.
    #[error(
        "payload has \"type\": {found}, expected \"task_event\", \"job_event\" or \"consolidation\""
    )]
    Type {
        /// What it has, shortened.
        found: String,
    },
    /// A key is missing, or its value breaks its rules.
    #[error("payload of type {kind:?} is invalid: {source}")]
    Invalid {
        /// Its type.
        kind: &'static str,
        /// Key, position and reason.
        source: serde_json::Error,
    },
}
