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
    /// [`domain::Error::NotFound`] when one is not known.
    pub async fn containers(&self, uris: &[String]) -> Result<Vec<Container>> {
        // what cannot be parsed was never stored
        let known = |text: &String| {
            Uri::parse(text).map_err(|_| Error::not_found(Entity::Container, "uri", text))
        };
        let uris = uris.iter().map(known).collect::<domain::Result<Vec<_>>>()?;
        let mut connection = self.database().read().await?;
        Ok(container::get(&mut connection, &uris).await?)
    }

    /// Lists the active datasets of an instance by record, in (time, id) order.
    pub async fn list_datasets(
        &self,
        instance: InstanceId,
        selection: &RecordSelection,
    ) -> Result<Vec<RecordDatasets>> {
        let mut connection = self.database().read().await?;
        let bound = self.limits().datasets;
        let found = dataset::list(&mut connection, instance, selection, bound).await?;
        Ok(found.into_iter().map(RecordDatasets::from).collect())
    }
}
