//! Removal of finished jobs.

use super::failure;
use crate::{App, Error, Result};
use database::{in_transaction, job};
use domain::job::JobState;
use domain::{JobId, Pattern};

/// Jobs that are looked up together.
const PAGE: u32 = 1000;

/// What became of the jobs to remove.
#[derive(Default)]
struct Cleaned {
    removed: u64,
    left: u64,
    /// Why the last one is left.
    error: Option<Error>,
}

impl App {
    /// Removes the finished jobs of a name, or of all names, that are in `state`; without a state,
    /// those DONE or FAILED. Answers how many. Jobs that cannot be removed do not keep the others.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for any other state than DONE, FAILED and DONEBUTUNTIDY; what kept a job from being
    /// removed, with the numbers of the removed ones and of those that are left.
    pub async fn clean_jobs(&self, name: Option<&Pattern>, state: &str) -> Result<u64> {
        let states = JobState::to_clean(state)?;
        let mut cleaned = Cleaned::default();
        if let Err(error) = self.clean(name, &states, &mut cleaned).await {
            cleaned.error = Some(error);
        }
        match cleaned.error {
            None => Ok(cleaned.removed),
            Some(error) => Err(explained(error, cleaned.removed, cleaned.left)),
        }
    }

    async fn clean(
        &self,
        name: Option<&Pattern>,
        states: &[JobState],
        cleaned: &mut Cleaned,
    ) -> Result<()> {
        let mut last = None;
        loop {
            let ids = {
                let mut connection = self.database().read().await?;
                job::ids_in_states(&mut connection, name, states, last, PAGE).await?
            };
            let Some(end) = ids.last() else {
                return Ok(());
            };
            last = Some(*end);
            for id in ids {
                match self.remove(id, states).await {
                    Ok(removed) => cleaned.removed += u64::from(removed),
                    Err(error) => {
                        tracing::warn!(job.id = %id, error = failure::text(&error), "job is not removed");
                        cleaned.left += 1;
                        cleaned.error = Some(error);
                    }
                }
            }
        }
    }

    async fn remove(&self, id: JobId, states: &[JobState]) -> Result<bool> {
        Ok(in_transaction(self.database(), |tx| {
            let states = states.to_vec();
            Box::pin(async move { job::delete(tx, id, &states).await })
        })
        .await?)
    }
}

/// Why jobs are left, with their number and that of the removed ones, which stay removed.
fn explained(error: Error, removed: u64, left: u64) -> Error {
    let what = |what: String| {
        format!("the removal of jobs ({removed} removed, {left} could not be removed): {what}")
    };
    match error {
        Error::Unavailable { what: part, source } => Error::Unavailable {
            what: what(part),
            source,
        },
        Error::Internal { what: part, source } => Error::Internal {
            what: what(part),
            source,
        },
        other @ (Error::Domain(_) | Error::DeadlineExceeded(_) | Error::Cancelled(_)) => other,
    }
}
