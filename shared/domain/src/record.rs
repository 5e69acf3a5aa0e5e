//! Records: data-takes.

use crate::{Aoi, AoiId, Instant, RecordId, Result, TagFilters, Tags, TimeRange, check_name};

/// A data-take: name, instant, tags and footprint. (name, tags, time) is unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Identifier.
    pub id: RecordId,
    /// Name.
    pub name: String,
    /// Acquisition instant.
    pub time: Instant,
    /// User tags.
    pub tags: Tags,
    /// Footprint.
    pub aoi_id: AoiId,
    /// Geometry of the footprint, where it was asked for.
    pub aoi: Option<Aoi>,
}

/// A record to create.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// Name.
    pub name: String,
    /// Acquisition instant.
    pub time: Instant,
    /// User tags.
    pub tags: Tags,
    /// Existing footprint.
    pub aoi_id: AoiId,
}

impl NewRecord {
    /// Builds a checked record.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the name is malformed.
    pub fn try_new(name: String, time: Instant, tags: Tags, aoi_id: AoiId) -> Result<Self> {
        check_name("Name", &name)?;
        Ok(Self {
            name,
            time,
            tags,
            aoi_id,
        })
    }
}

/// Filters on tags and time, combined with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilters {
    /// Tags.
    pub tags: TagFilters,
    /// Inclusive bounds of the acquisition instant.
    pub time: TimeRange,
}

/// The records that a search is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordSelection {
    /// Exactly these; none of them when the list is empty.
    Ids(Vec<RecordId>),
    /// Those that pass the filters.
    Filters(RecordFilters),
}
