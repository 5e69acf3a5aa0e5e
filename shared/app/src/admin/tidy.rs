//! Tidying: removal of what nothing refers to any more.

use crate::{App, Result};
use database::{PgConnection, in_rolled_back, in_transaction, leftover};
use domain::Leftover;
use std::collections::BTreeMap;
use std::time::Duration;

/// Numbers of removed entities, by kind.
pub type TidyCounts = BTreeMap<Leftover, u64>;

impl App {
    /// Removes the leftovers of the kinds that are asked for, all of them or none, and counts them:
    /// those of one kind make others of the next one. With `simulate` nothing is changed, and the
    /// numbers are the same.
    ///
    /// Managed containers, layouts, grids, palettes and jobs stay, and so does what is younger than
    /// [`crate::Options::tidy_min_age`].
    pub async fn tidy(&self, asked: &[Leftover], simulate: bool) -> Result<TidyCounts> {
        let mut kinds = Leftover::ALL.to_vec();
        kinds.retain(|kind| asked.contains(kind));
        let min_age = self.options().tidy_min_age;
        if simulate {
            return Ok(in_rolled_back(self.database(), |tx| {
                let kinds = kinds.clone();
                Box::pin(async move { delete(tx, &kinds, min_age).await })
            })
            .await?);
        }
        let counts = in_transaction(self.database(), |tx| {
            let kinds = kinds.clone();
            Box::pin(async move { delete(tx, &kinds, min_age).await })
        })
        .await?;
        tracing::info!(?counts, "the catalogue is tidied");
        Ok(counts)
    }
}

async fn delete(
    conn: &mut PgConnection,
    kinds: &[Leftover],
    min_age: Duration,
) -> database::Result<TidyCounts> {
    let mut counts = TidyCounts::new();
    for kind in kinds {
        counts.insert(*kind, leftover::delete(conn, *kind, min_age).await?);
    }
    Ok(counts)
}
