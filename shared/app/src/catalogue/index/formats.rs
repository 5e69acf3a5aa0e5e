//! Formats of instances, kept between the calls that index files.

use crate::{App, Result};
use database::variable::{self, InstanceFormat};
use domain::InstanceId;
use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;

/// Instances whose formats are kept: a pipeline indexes into few.
const KEPT: usize = 10_000;

/// Formats of the instances that files were indexed for. They never change; the name of a variable may, and an instance may
/// be gone, which storing its dataset tells.
#[derive(Debug)]
pub(crate) struct Formats(Cache<InstanceId, Arc<InstanceFormat>>);

impl Default for Formats {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

impl Formats {
    /// Lets the instance be asked for again.
    pub(super) fn forget(&self, id: InstanceId) {
        self.0.remove(&id);
    }
}

impl App {
    /// The formats of those of the instances that exist, as far as is known here.
    pub(super) async fn formats_of(
        &self,
        ids: impl Iterator<Item = InstanceId>,
    ) -> Result<HashMap<InstanceId, Arc<InstanceFormat>>> {
        let kept = &self.formats().0;
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        for id in ids {
            match kept.get(&id) {
                Some(format) => {
                    found.insert(id, format);
                }
                None => unknown.push(id),
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        unknown.sort_unstable();
        unknown.dedup();
        let mut connection = self.database().read().await?;
        for (id, format) in variable::formats(&mut connection, &unknown).await? {
            let format = Arc::new(format);
            kept.insert(id, Arc::clone(&format));
            found.insert(id, format);
        }
        Ok(found)
    }
}
