//! Footprints.

use crate::{App, Result};
use database::aoi;
use domain::{Aoi, AoiGeometry, AoiId};

impl App {
    /// Registers a footprint.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] with the id of the stored one when the same geometry is
    /// there already.
    pub async fn create_aoi(&self, geometry: AoiGeometry) -> Result<AoiId> {
        let mut connection = self.database().read().await?;
        Ok(aoi::create(&mut connection, &geometry).await?)
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
