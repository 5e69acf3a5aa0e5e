//! Files that are deleted unless the catalogue knows them.

use crate::{App, Result};
use database::{container, file_lock};
use domain::Uri;
use futures::{StreamExt, stream};
use storage::StorageExt;

/// Files deleted at the same time, and looked at in one transaction.
const PARALLEL: usize = 20;

/// What became of a file.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is gone, or was gone before.
    Gone,
    /// The catalogue knows it: it stays.
    Known,
    /// It could not be deleted.
    Failed(storage::Error),
}

/// Deletes the files that the catalogue does not know; their fates, in their order. None of them can be indexed between the
/// look into the catalogue and its end.
pub(super) async fn delete_unknown(app: &App, files: &[Uri]) -> Result<Vec<Fate>> {
    let mut fates = Vec::with_capacity(files.len());
    for group in files.chunks(PARALLEL) {
        let mut tx = app.database().begin().await?;
        file_lock::exclude(&mut tx, group).await?;
        let known = container::known(&mut tx, group).await?;
        // made before they are run: a stream over references is not general enough to be spawned
        let deletions: Vec<_> = group
            .iter()
            .map(|uri| delete(app, uri, known.contains(uri)))
            .collect();
        let results: Vec<Fate> = stream::iter(deletions).buffered(PARALLEL).collect().await;
        tx.commit().await?;
        fates.extend(results);
    }
    Ok(fates)
}

async fn delete(app: &App, uri: &Uri, known: bool) -> Fate {
    if known {
        return Fate::Known;
    }
    match app.storage().delete_if_exists(uri).await {
        Ok(()) => Fate::Gone,
        Err(error) => Fate::Failed(error),
    }
}
