//! Records.

use crate::{App, Error, Result};
use database::{in_transaction, record};
use domain::{NewRecord, Record, RecordId, Tags};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};

pub use database::record::Query as RecordQuery;

impl App {
    /// Creates records, all or none; the ids come in the order of the records.
    ///
    /// # Errors
    /// [`domain::Error::AlreadyExists`] when one (name, tags, time) is stored already or comes
    /// twice, [`domain::Error::NotFound`] for an unknown footprint.
    pub async fn create_records(&self, records: Vec<NewRecord>) -> Result<Vec<RecordId>> {
        let mut connection = self.database().write().await?;
        Ok(record::create(&mut connection, &records).await?)
    }

    /// Reads records in the order of the ids, repeated ones once, without geometry.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] when one does not exist.
    pub async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>> {
        let mut connection = self.database().read().await?;
        Ok(record::get(&mut connection, ids).await?)
    }

    /// Lists records by time then id. The first ones are read before this returns, so that a
    /// failure shows before any item; the others follow piece by piece.
    pub async fn list_records(
        &self,
        query: RecordQuery,
    ) -> Result<impl Stream<Item = Result<Record>> + Send + 'static + use<>> {
        let mut pieces = record::Listing::new(query)
            .stream(self.database().clone())
            .boxed();
        let first = pieces.try_next().await?.unwrap_or_default();
        let rest = pieces.map_err(Error::from);
        let pieces = stream::iter([Ok(first)]).chain(rest);
        Ok(pieces
            .map_ok(|piece| stream::iter(piece).map(Ok))
            .try_flatten())
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
