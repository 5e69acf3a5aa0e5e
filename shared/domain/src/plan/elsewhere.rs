//! What the files of other cells hold already.

use super::{BaseUri, PlanDataset, base_uri::folder_of};
use crate::{RecordId, Result, Uri};
use std::collections::HashSet;

/// The folders of all the cells of a job.
#[derive(Clone, Debug, Default)]
pub struct CellFolders(HashSet<Uri>);

impl CellFolders {
    /// The folders of these cells.
    pub fn new<'a>(bases: impl IntoIterator<Item = &'a BaseUri>) -> Self {
        Self(
            bases
                .into_iter()
                .map(|base| base.uri().canonical())
                .collect(),
        )
    }

    /// Whether a file is directly in one of them.
    fn hold(&self, file: &Uri) -> bool {
        folder_of(file).is_some_and(|folder| self.0.contains(&folder.canonical()))
    }
}

/// Leaves out the datasets that a former consolidation wrote for another cell and that overlap
/// this one: cells of several reference systems do. What they show here came into the files of this
/// cell at the same time, as far as those hold the record; merged again, its pixels would be warped
/// twice. A record that this cell lacks stays, unless `has_share` says that nothing of it is here.
///
/// # Errors
/// Those of `has_share`.
pub fn leave_to_other_cells(
    inputs: Vec<PlanDataset>,
    base: &BaseUri,
    folders: &CellFolders,
    mut has_share: impl FnMut(&PlanDataset) -> Result<bool>,
) -> Result<Vec<PlanDataset>> {
    let file = |input: &PlanDataset| base.holds(&input.dataset.source.uri);
    let here: HashSet<RecordId> = inputs
        .iter()
        .filter(|input| file(input))
        .map(|input| input.dataset.record_id)
        .collect();
    let mut kept = Vec::with_capacity(inputs.len());
    for input in inputs {
        let of_other_cell = !file(&input) && folders.hold(&input.dataset.source.uri);
        let left =
            of_other_cell && (here.contains(&input.dataset.record_id) || !has_share(&input)?);
        if !left {
            kept.push(input);
        }
    }
    Ok(kept)
}
