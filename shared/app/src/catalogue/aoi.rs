//! Footprints.

use crate::{App, Result};
use database::{aoi, in_statement};
use domain::{Aoi, AoiGeometry, AoiId};

impl App {
    /// Registers a footprint.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] with the id of the stored one when the same geometry is
    /// there already.
    pub async fn create_aoi(&self, geometry: AoiGeometry) -> Result<AoiId> {
        Ok(in_statement(self.database(), |tx| {
            let geometry = geometry.clone();
            Box::pin(async move { aoi::create(tx, &geometry).await })
        })
        .await?)
    }

    /// Reads a footprint.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`].
    pub async fn aoi(&self, id: AoiId) -> Result<Aoi> {
        let mut connection = self.database().read().await?;
        Ok(aoi::get(&mut connection, id).await?)
    }
}
