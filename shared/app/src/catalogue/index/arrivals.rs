//! New files of calls that arrive together: one statement stores them, and waits for the disk once.

use crate::together::Together;
use crate::{App, Error, Result};
use database::dataset::{self, NewFile};
use database::in_statement;
use std::collections::HashSet;

/// Most datasets of a file that is stored together with others.
const MOST_DATASETS: usize = 16;

/// New files of calls that wait to be stored.
pub(crate) type Arrivals = Together<NewFile, Arrival>;

/// What became of a file.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    /// As of [`dataset::insert_with_containers`].
    Tried(Result<bool>),
    /// Nothing: it is to be stored alone, since one of those beside it was in the way.
    Alone,
}

impl App {
    /// Stores a file that is not known so far, as [`dataset::insert_with_container`] does.
    pub(super) async fn store_arrival(&self, file: NewFile) -> Result<bool> {
        if file.datasets.len() <= MOST_DATASETS {
            let app = self.clone();
            let store = |files| async move { app.store_arrivals(files).await };
            match self.arrivals().add(file.clone(), store).await {
                Some(Arrival::Tried(result)) => return result,
                Some(Arrival::Alone) => {}
                None => return Err(Error::internal("storing files together", "it panicked")),
            }
        }
        Ok(self.store_files(&[file]).await.map(|stored| stored[0])?)
    }

    /// Stores files by one statement; of several with one name the first.
    async fn store_arrivals(&self, files: Vec<NewFile>) -> Vec<Arrival> {
        let mut names = HashSet::new();
        let is_first = |file: &NewFile| names.insert(file.container.uri.canonical());
        let firsts: Vec<bool> = files.iter().map(is_first).collect();
        let several = files.into_iter().zip(&firsts);
        let several: Vec<NewFile> = several
            .filter_map(|(file, first)| first.then_some(file))
            .collect();
        let stored = self.store_files(&several).await;
        let mut arrivals = match stored {
            Ok(stored) => stored
                .into_iter()
                .map(|one| Arrival::Tried(Ok(one)))
                .collect(),
            Err(error) if several.len() > 1 && is_refusal(&error) => Vec::new(),
            Err(error) => vec![Arrival::Tried(Err(error.into())); several.len()],
        }
        .into_iter();
        let mut next = |first| if first { arrivals.next() } else { None };
        let all = firsts.into_iter();
        all.map(|first| next(first).unwrap_or(Arrival::Alone))
            .collect()
    }

    /// What another transaction was in the way of is taken for known: it is looked at again, under a lock.
    async fn store_files(&self, files: &[NewFile]) -> database::Result<Vec<bool>> {
        let stored = in_statement(self.database(), |conn| {
            let files = files.to_vec();
            Box::pin(async move { dataset::insert_with_containers(conn, files).await })
        });
        match stored.await {
            Err(error) if error.is_conflict() => Ok(vec![false; files.len()]),
            result => result,
        }
    }
}

/// Whether the server answered that it did nothing, for the sake of one of several files perhaps.
fn is_refusal(error: &database::Error) -> bool {
    matches!(error, database::Error::Domain(_)) || error.is_statement_timeout()
}
