//! What jobs left in the storage.

use crate::failpoint::failpoint;
use crate::job::failure;
use crate::{App, Result};
use database::{PgConnection, noted_file};
use domain::Uri;
use futures::{StreamExt, stream};
use std::time::Duration;
use storage::StorageExt;

/// Files looked at in one transaction.
const CHUNK: u32 = 100;
/// Files deleted at the same time.
const PARALLEL: usize = 20;

impl App {
    /// Deletes part files whose run does not hold its order any more, then the final files and the markers of jobs that are
    /// over, unless the catalogue knows them. How many files were looked at; one that cannot be deleted waits for another
    /// sweep.
    pub(super) async fn delete_left_files(&self, age: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let mut gone = 0;
        let parts = noted_file::take_parts(&mut tx, age, CHUNK).await?;
        gone += self.delete_noted(&mut tx, parts).await?;
        let outputs = noted_file::take_outputs(&mut tx, CHUNK).await?;
        gone += self.delete_noted(&mut tx, outputs).await?;
        failpoint!("sweep.files.before");
        tx.commit().await?;
        failpoint!("sweep.files.after");
        Ok(Some(gone))
    }

    /// Deletes files and forgets them; how many are gone.
    async fn delete_noted(&self, conn: &mut PgConnection, files: Vec<Uri>) -> Result<usize> {
        if files.is_empty() {
            return Ok(0);
        }
        let storage = self.storage().clone();
        let delete = |uri: Uri| {
            let storage = storage.clone();
            async move {
                let deleted = storage.delete_if_exists(&uri).await;
                (uri, deleted)
            }
        };
        let mut results = stream::iter(files).map(delete).buffer_unordered(PARALLEL);
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        while let Some((uri, deleted)) = results.next().await {
            match deleted {
                Ok(()) => gone.push(uri),
                Err(error) => {
                    tracing::warn!(%uri, error = failure::text(&error), "a file that a job left stays for now");
                    left.push(uri);
                }
            }
        }
        noted_file::settle(conn, &gone, &left).await?;
        Ok(gone.len())
    }
}
