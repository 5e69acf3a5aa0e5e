//! Containers and the datasets of an instance.

use crate::cube::RecordDatasets;
use crate::{App, Result};
use database::{container, dataset};
use domain::{Container, Entity, Error, InstanceId, RecordSelection, Uri};

impl App {
    /// Reads containers by their URIs, in any spelling of the same file, in the order of the request, repeated ones once, with
    /// datasets of every status.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] when one is not known, [`domain::Error::LimitExceeded`] when there are more datasets
    /// than one answer may have.
    pub async fn containers(&self, uris: &[String]) -> Result<Vec<Container>> {
        // nor can the database be asked for NUL
        if let Some(never) = uris.iter().find(|text| text.contains('\0')) {
            return Err(Error::not_found(Entity::Container, "uri", never).into());
        }
        let uris = uris.iter().cloned().map(Uri::from_stored);
        let uris: Vec<Uri> = uris.collect();
        let mut connection = self.database().read().await?;
        let bound = self.limits().datasets;
        Ok(container::get(&mut connection, &uris, bound).await?)
    }

    /// Lists the active datasets of an instance by record, in (time, id) order.
    pub async fn list_datasets(
        &self,
        instance: InstanceId,
        selection: &RecordSelection,
    ) -> Result<Vec<RecordDatasets>> {
        let mut connection = self.database().read().await?;
        let bound = self.limits().search();
        let found = dataset::list(&mut connection, instance, selection, bound).await?;
        Ok(found.into_iter().map(RecordDatasets::from).collect())
    }
}
