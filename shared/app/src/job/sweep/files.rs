//! What jobs left in the storage.

use crate::failpoint::failpoint;
use crate::job::failure;
use crate::{App, Result};
use database::{PgConnection, container, file_lock, noted_file};
use domain::Uri;
use futures::{StreamExt, stream};
use std::collections::HashSet;
use std::time::Duration;
use storage::StorageExt;
use tokio::time::{Instant, timeout_at};

/// Files looked at in one transaction.
const CHUNK: u32 = 100;
/// Files deleted at the same time.
const PARALLEL: usize = 20;
/// Longest time of one round of deletions: the sweep holds its lock and a connection meanwhile.
const LONGEST: Duration = Duration::from_secs(10);

impl App {
    /// Deletes part files whose run does not hold its order any more, then the final files and the markers of jobs that are
    /// over, unless the catalogue knows them. How many are gone; one that cannot be deleted in time waits for another sweep.
    pub(super) async fn delete_left_files(&self, age: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let mut gone = 0;
        let parts = noted_file::take_parts(&mut tx, age, CHUNK).await?;
        gone += self.delete_noted(&mut tx, parts).await?;
        let outputs = noted_file::take_outputs(&mut tx, CHUNK).await?;
        // nobody makes them known from here on, whatever their spelling in the catalogue
        file_lock::exclude(&mut tx, &outputs).await?;
        let known = container::known(&mut tx, &outputs).await?;
        let (kept, outputs): (Vec<_>, _) = outputs.into_iter().partition(|uri| known.contains(uri));
        noted_file::settle(&mut tx, &kept, &[]).await?;
        gone += self.delete_noted(&mut tx, outputs).await?;
        failpoint!("sweep.files.before");
        tx.commit().await?;
        failpoint!("sweep.files.after");
        Ok(Some(gone))
    }

    /// Deletes files and forgets them; how many are gone. A store that does not answer holds up the sweep for [`LONGEST`]
    /// at most.
    async fn delete_noted(&self, conn: &mut PgConnection, files: Vec<Uri>) -> Result<usize> {
        if files.is_empty() {
            return Ok(0);
        }
        let storage = self.storage();
        let delete = |uri: Uri| async {
            let deleted = storage.delete_if_exists(&uri).await;
            (uri, deleted)
        };
        let deadline = Instant::now() + LONGEST;
        let mut left: HashSet<Uri> = files.iter().cloned().collect();
        let mut results = stream::iter(files).map(delete).buffer_unordered(PARALLEL);
        let mut gone = Vec::new();
        while let Ok(Some((uri, deleted))) = timeout_at(deadline, results.next()).await {
            match deleted {
                Ok(()) => {
                    left.remove(&uri);
                    gone.push(uri);
                }
                Err(error) => {
                    tracing::warn!(%uri, error = failure::text(&error), "a file that a job left stays for now");
                }
            }
        }
        let left: Vec<Uri> = left.into_iter().collect();
        noted_file::settle(conn, &gone, &left).await?;
        Ok(gone.len())
    }
}
