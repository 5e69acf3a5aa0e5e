//! Planning of a consolidation: which files to write for a cell, from which datasets.
//!
//! For each cell the caller reads the datasets of the job that meet it ([`meets_cell`]), leaves those of
//! the files of other cells to them ([`leave_to_other_cells`]), asks [`needs_consolidation`], reads the containers that it names, and calls [`plan_cell`].
//! [`Replaced`] gathers which datasets may be removed once the new files are visible.

mod base_uri;
mod cell;
mod elsewhere;
mod input;
mod need;
mod replaced;
mod target;

pub use base_uri::BaseUri;
pub use cell::{CellPlan, CellTarget, drop_full_containers, plan_cell, split_in_containers};
pub use elsewhere::{CellFolders, leave_to_other_cells};
pub use input::{PlanDataset, group_by_record, meets_cell};
pub use need::{Need, needs_consolidation};
pub use replaced::Replaced;
pub use target::{Target, overviews_count};

#[cfg(test)]
mod tests;
