//! Records.

use super::streaming::items;
use crate::{App, Result};
use database::{in_statement, in_transaction, pieces, record};
use domain::{NewRecord, Record, RecordId, Tags};
use futures::Stream;
use std::sync::Arc;

pub use database::record::Query as RecordQuery;

impl App {
    /// Creates records, all or none; the ids come in the order of the records.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when one (name, tags, time) is stored already or comes
    /// twice, [`domain::Error::NotFound`] for an unknown footprint.
    pub async fn create_records(&self, records: Vec<NewRecord>) -> Result<Vec<RecordId>> {
        let records: Arc<[NewRecord]> = records.into();
        Ok(in_statement(self.database(), |tx| {
            let records = Arc::clone(&records);
            Box::pin(async move { record::create(tx, &records).await })
        })
        .await?)
    }

    /// Reads records in the order of the ids, repeated ones once, without geometry. The first ones
    /// are read before this returns, the others follow piece by piece.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] when one does not exist.
    pub async fn records(
        &self,
        ids: &[RecordId],
    ) -> Result<impl Stream<Item = Result<Record>> + Send + 'static + use<>> {
        let list = record::ById::new(ids);
        if list.has_several_pieces() {
            let mut connection = self.database().read().await?;
            if let Some(id) = record::first_missing(&mut connection, ids).await? {
                return Err(domain::Error::not_found(domain::Entity::Record, "id", id).into());
            }
        }
        items(pieces(list, self.database().clone())).await
    }

    /// Lists records by time then id. The first ones are read before this returns, so that a
    /// failure shows before any item; the others follow piece by piece.
    pub async fn list_records(
        &self,
        query: RecordQuery,
    ) -> Result<impl Stream<Item = Result<Record>> + Send + 'static + use<>> {
        items(record::Listing::new(query).stream(self.database().clone())).await
    }

    /// Adds or overwrites tags; answers the number of records.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when two records would become the same.
    pub async fn add_records_tags(&self, ids: &[RecordId], tags: &Tags) -> Result<u64> {
        Ok(in_transaction(self.database(), |tx| {
            let (ids, tags) = (ids.to_vec(), tags.clone());
            Box::pin(async move { record::add_tags(tx, &ids, &tags).await })
        })
        .await?)
    }

    /// Removes tags; answers the number of records once per key.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when two records would become the same.
    pub async fn remove_records_tags(&self, ids: &[RecordId], keys: &[String]) -> Result<u64> {
        Ok(in_transaction(self.database(), |tx| {
            let (ids, keys) = (ids.to_vec(), keys.to_vec());
            Box::pin(async move { record::remove_tags(tx, &ids, &keys).await })
        })
        .await?)
    }

    /// Deletes records, all or none; with `no_fail` those without datasets.
    ///
    /// # Errors
    /// [`domain::Error::InUse`] when one has datasets.
    pub async fn delete_records(&self, ids: &[RecordId], no_fail: bool) -> Result<u64> {
        Ok(in_transaction(self.database(), |tx| {
            let ids = ids.to_vec();
            Box::pin(async move { record::delete(tx, &ids, no_fail).await })
        })
        .await?)
    }
}
