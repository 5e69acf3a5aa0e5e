//! A second look at the catalogue: what an image is made of may have been replaced since the first one.

use super::{CubeSelection, Slice, group};
use crate::{App, Error};
use domain::{InstanceId, MultiPolygon, RecordId};

/// Finds the datasets of one image again.
#[derive(Clone, Debug)]
pub(super) struct LookUp {
    pub(super) app: App,
    pub(super) instances: Vec<InstanceId>,
    pub(super) area: MultiPolygon,
}

impl LookUp {
    /// The image as the catalogue has it now, if that differs; its failure then may be that of a file which was replaced
    /// and deleted.
    pub(super) async fn again(&self, slice: &Slice) -> Option<Slice> {
        let records: Vec<RecordId> = slice.records.iter().map(|record| record.id).collect();
        let selection = CubeSelection::Groups(vec![records]);
        let bound = self.app.limits().search();
        let found = self
            .app
            .find(&self.instances, &selection, &self.area, bound);
        let slices = group(&selection, found.await.ok()?);
        slices
            .into_iter()
            .next()
            .filter(|now| now.sources != slice.sources)
    }
}

/// Whether a failure may be that of a file.
pub(crate) fn is_of_a_file(error: &Error) -> bool {
    match error {
        Error::Domain(domain::Error::Invalid(_) | domain::Error::Precondition(_))
        | Error::Internal { .. } => true,
        Error::Domain(_)
        | Error::Unavailable { .. }
        | Error::DeadlineExceeded(_)
        | Error::Cancelled(_) => false,
    }
}
