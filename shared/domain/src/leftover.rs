//! What may be left over in the catalogue.

/// A kind of entities that may stay behind although nothing refers to them any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leftover {
    /// Records without a dataset.
    Record,
    /// Footprints of no record.
    Aoi,
    /// Instances without a dataset.
    Instance,
    /// Variables without an instance.
    Variable,
    /// Unmanaged containers without a dataset: the file is not ours, and stays.
    Container,
    /// Consolidation parameters of neither a variable nor a job.
    ConsolidationParams,
}

impl Leftover {
    /// All of them, in the order of their removal: records free footprints, instances free
    /// variables, variables free parameters.
    pub const ALL: [Self; 6] = [
        Self::Record,
        Self::Aoi,
        Self::Instance,
        Self::Variable,
        Self::Container,
        Self::ConsolidationParams,
    ];
}
