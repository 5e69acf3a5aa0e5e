//! Which datasets may go once the new files are visible.

use super::{CellPlan, PlanDataset};
use crate::DatasetId;
use std::collections::{BTreeSet, HashSet};

/// Gathers, cell by cell, which datasets the new files replace.
///
/// A dataset can meet cells in which it is not rewritten: the one that it was made for, when that
/// one is up to date, or when its file there is full. Such a dataset is still needed, so it stays.
#[derive(Clone, Debug, Default)]
pub struct Replaced {
    consolidated: BTreeSet<DatasetId>,
    needed: HashSet<DatasetId>,
}

impl Replaced {
    /// Takes note of a cell: `inputs` are the datasets of the job that meet it, `plan` is `None`
    /// when the cell needs no work.
    pub fn visit(&mut self, inputs: &[PlanDataset], plan: Option<&CellPlan>) {
        let ids = inputs.iter().map(|input| input.dataset.id);
        let Some(plan) = plan else {
            self.needed.extend(ids);
            return;
        };
        let settled: HashSet<DatasetId> = plan
            .consolidated
            .iter()
            .chain(&plan.nothing_here)
            .copied()
            .collect();
        self.consolidated.extend(&plan.consolidated);
        self.needed.extend(ids.filter(|id| !settled.contains(id)));
    }

    /// Datasets to remove after the swap, and consolidated ones that have to stay. Both sorted.
    pub fn finish(self) -> (Vec<DatasetId>, Vec<DatasetId>) {
        let needed = self.needed;
        self.consolidated
            .into_iter()
            .partition(|id| !needed.contains(id))
    }
}
