//! Datasets as the planner sees them.

use crate::footprint::interiors_intersect;
use crate::{Dataset, DatasetId, Instant, RecordId, Ring};

/// A dataset that may go into a new file.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// Instant of its record.
    pub record_time: Instant,
    /// Order of insertion: within a record, a later dataset lies on top of an earlier one.
    pub position: i64,
}

impl PlanDataset {
    /// Order of the records in a file, to the second, then that of the datasets in a mosaic.
    pub(super) fn sort_key(&self) -> (i64, RecordId, i64, DatasetId) {
        let (seconds, _) = self.record_time.timestamp();
        let Dataset { id, record_id, .. } = self.dataset;
        (seconds, record_id, self.position, id)
    }
}

/// Whether a dataset, whose footprint on the globe meets that of a cell, has something inside.
///
/// Sharing an edge is not enough. That can only be told when shape and cell (outline `ring`) have
/// the same known reference system; otherwise the answer is yes.
pub fn meets_cell(dataset: &Dataset, srid: i32, ring: &Ring) -> bool {
    srid == 0 || dataset.srid != srid || interiors_intersect(&dataset.shape, ring)
}

/// Cuts sorted datasets into runs of the same record.
pub fn group_by_record(sorted: &[PlanDataset]) -> impl Iterator<Item = &[PlanDataset]> {
    sorted.chunk_by(|a, b| a.dataset.record_id == b.dataset.record_id)
}
