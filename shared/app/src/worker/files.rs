//! Files that orders may name.

use crate::PathPolicy;
use domain::job::ConsolidationOrder;
use domain::{Error, Result, Uri};
use std::collections::BTreeSet;

/// Files that orders may name: whoever reaches the queue can name any.
#[derive(Clone, Debug, Default)]
pub struct OrderFiles {
    /// Place below which the files of orders have to be written; `None` for anywhere.
    pub target_root: Option<Uri>,
    /// Which sources may be read; `None` for all.
    pub sources: Option<PathPolicy>,
}

impl OrderFiles {
    /// Refuses an order whose file would lie outside its place.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the URI and the flag.
    pub fn check_target(&self, order: &ConsolidationOrder) -> Result<()> {
        let Some(root) = &self.target_root else {
            return Ok(());
        };
        let uri = &order.container.uri;
        // the root is below itself, and no file
        if uri.is_below(root) && !root.is_below(uri) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Invalid ConsolidationOrder.container.uri: {uri} is not below {root} (flag ingestionStorage)"
        )))
    }

    /// Refuses an order with a source that may not be read. Looks at the file system, and may block.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the URI or the sub-dataset, and the flag.
    pub fn check_sources(&self, order: &ConsolidationOrder) -> Result<()> {
        let Some(policy) = &self.sources else {
            return Ok(());
        };
        let sources = order.records.iter().flat_map(|record| &record.datasets);
        let named: BTreeSet<_> = sources
            .map(|dataset| (&dataset.source.uri, dataset.source.subdir.as_str()))
            .collect();
        named.into_iter().try_for_each(|(uri, subdir)| {
            policy.check(uri)?;
            policy.check_subdir(subdir)
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
