//! Whether a cell has to be rewritten.

use super::{BaseUri, PlanDataset, Target};
use crate::Uri;
use std::collections::HashMap;

/// Verdict on a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Whether there is something to consolidate.
    pub need: bool,
    /// Containers of the cell that are up to date: when others are consolidated, their datasets
    /// come along, so that files are filled up. In order of appearance.
    pub reuse: Vec<Uri>,
}

/// Judges the datasets of a cell.
///
/// A dataset needs work when its file is not directly in the folder of the cell, or when its file
/// holds a dataset whose mapping differs from the target or whose bands exceed those of the target.
/// Compression, resampling and overviews are not compared.
pub fn needs_consolidation(inputs: &[PlanDataset], target: &Target, base: &BaseUri) -> Need {
    let mut order = Vec::new();
    let mut up_to_date: HashMap<&Uri, bool> = HashMap::new();
    for input in inputs {
        let source = &input.dataset.source;
        let verdict = up_to_date.entry(&source.uri).or_insert_with(|| {
            order.push(&source.uri);
            base.holds(&source.uri)
        });
        *verdict = *verdict && target.fits(source);
    }
    Need {
        need: up_to_date.values().any(|up_to_date| !up_to_date),
        reuse: order
            .into_iter()
            .filter(|uri| up_to_date[uri])
            .cloned()
            .collect(),
    }
}
