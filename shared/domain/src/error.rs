//! What can go wrong because of a caller or of the state of the catalogue.

use std::fmt;

/// Result of a domain decision.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of things that an error can name.
///
/// The text is what clients see as `resource_type`, so it is part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// Footprint of records.
    Aoi,
    /// Data-take.
    Record,
    /// Kind of data.
    Variable,
    /// Flavour of a variable, looked up by its id.
    VariableInstance,
    /// Flavour of a variable, looked up by its name.
    Instance,
    /// Colour ramp.
    Palette,
    /// File.
    Container,
    /// Foreign key of a dataset that does not exist.
    Dataset,
    /// Dataset that is in the way: locked, overlapping or about to be deleted.
    LockedDataset,
    /// Layout of consolidated files.
    Layout,
    /// Custom grid.
    Grid,
    /// Cell of a custom grid.
    Cell,
    /// Encoding of consolidated files.
    ConsolidationParams,
    /// Job.
    Job,
    /// Task of a job.
    Task,
    /// Rows of records (owner of a dependency).
    Records,
    /// Rows of datasets (dependency).
    Datasets,
    /// Rows of instances (owner of a dependency).
    VariableInstances,
    /// Rows of layouts (owner of a dependency).
    Layouts,
    /// Rows that link a file to its layout (dependency).
    ContainerLayouts,
    /// Nothing in particular: a search without result.
    Nothing,
}

impl Entity {
    /// Text of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aoi => "AOI",
            Self::Record => "Record",
            Self::Variable => "Variable",
            Self::VariableInstance => "Variable Instance",
            Self::Instance => "Instance",
            Self::Palette => "Palette",
            Self::Container => "Container",
            Self::Dataset => "Dataset",
            Self::LockedDataset => "dataset",
            Self::Layout => "Layout",
            Self::Grid => "Grid",
            Self::Cell => "Cell",
            Self::ConsolidationParams => "ConsolidationParams",
            Self::Job => "Job",
            Self::Task => "Task",
            Self::Records => "records",
            Self::Datasets => "datasets",
            Self::VariableInstances => "variable_instances",
            Self::Layouts => "layouts",
            Self::ContainerLayouts => "container_layouts",
            Self::Nothing => "",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure that the caller can understand and act upon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field is missing, malformed or out of range; the text names it and what was expected.
    #[error("{0}")]
    Invalid(String),
    /// Something that the caller names does not exist.
    #[error("{text}")]
    NotFound {
        /// Kind of the missing thing.
        entity: Entity,
        /// Its id, name or URI.
        id: String,
        /// Complete sentence.
        text: String,
    },
    /// Something that the caller wants to create is there already.
    #[error("{text}")]
    AlreadyExists {
        /// Kind of the existing thing.
        entity: Entity,
        /// Its id, name or URI.
        id: String,
        /// Complete sentence.
        text: String,
    },
    /// Something cannot be removed because something else depends on it.
    #[error("{owner} and {dependent} with {key}: {id}")]
    InUse {
        /// What was to be removed.
        owner: Entity,
        /// What depends on it.
        dependent: Entity,
        /// Name of the key, `id` or `name`.
        key: &'static str,
        /// Value of the key.
        id: String,
    },
    /// The request is fine, but not in the present state.
    #[error("{0}")]
    Precondition(String),
    /// A bound of the service is exceeded; the text names the bound and its value.
    #[error("{0}")]
    LimitExceeded(String),
}

impl Error {
    /// A malformed or out-of-range field.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// `<entity> with <key>: <id>` does not exist.
    pub fn not_found(entity: Entity, key: &str, id: impl fmt::Display) -> Self {
        let id = id.to_string();
        Self::NotFound {
            entity,
            text: format!("{entity} with {key}: {id}"),
            id,
        }
    }

    /// `<entity> with <key>: <id>` exists already.
    pub fn already_exists(entity: Entity, key: &str, id: impl fmt::Display) -> Self {
        let id = id.to_string();
        Self::AlreadyExists {
            entity,
            text: format!("{entity} with {key}: {id}"),
            id,
        }
    }
}
