//! Removal of finished jobs.

use super::failure;
use crate::{App, Result};
use database::{in_transaction, job};
use domain::Pattern;
use domain::job::{Job, JobState};

impl App {
    /// Removes the finished jobs of a name, or of all names, that are in `state`; without a state,
    /// those DONE or FAILED. Answers how many. Jobs that cannot be removed do not keep the others.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for any other state than DONE, FAILED and DONEBUTUNTIDY.
    pub async fn clean_jobs(&self, name: Option<&Pattern>, state: &str) -> Result<u64> {
        let states = JobState::to_clean(state)?;
        let mut connection = self.database().read().await?;
        let jobs = job::list_in_states(&mut connection, name, &states).await?;
        drop(connection);
        let mut count = 0;
        let mut failed = None;
        for job in jobs {
            match self.remove(&job, &states).await {
                Ok(removed) => count += u64::from(removed),
                Err(error) => {
                    tracing::warn!(job.id = %job.id, error = failure::text(&error), "job is not removed");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(count), Err)
    }

    async fn remove(&self, job: &Job, states: &[JobState]) -> Result<bool> {
        let id = job.id;
        Ok(in_transaction(self.database(), |tx| {
            let states = states.to_vec();
            Box::pin(async move { job::delete(tx, id, &states).await })
        })
        .await?)
    }
}
