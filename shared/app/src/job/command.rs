//! Commands of users.

use super::outbox::Posted;
use crate::failpoint::failpoint;
use crate::{App, Result};
use chrono::Utc;
use database::{in_transaction, job};
use domain::job::{ExecutionLevel, JobEvent, JobStatus, apply_stored};
use domain::{Instant, JobId};

impl App {
    /// Tries again what failed; with `force`, runs the present step again.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`], or [`domain::Error::Precondition`]
    /// `Job <id>: Unable to trigger <event> (current state=<state>)`.
    pub async fn retry_job(&self, id: JobId, force: bool) -> Result<()> {
        self.command(
            id,
            if force {
                JobStatus::RetryForced
            } else {
                JobStatus::Retried
            },
        )
        .await
    }

    /// Cancels a job where no half-done work is lost; with `force`, wherever it is possible.
    ///
    /// # Errors
    /// As [`App::retry_job`].
    pub async fn cancel_job(&self, id: JobId, force: bool) -> Result<()> {
        let status = if force {
            JobStatus::CancelledByUserForced
        } else {
            JobStatus::CancelledByUser
        };
        self.command(id, status).await
    }

    /// Ends the pause of a job that waits for its user.
    ///
    /// # Errors
    /// As [`App::retry_job`].
    pub async fn continue_job(&self, id: JobId) -> Result<()> {
        self.command(id, JobStatus::Continue).await
    }

    /// Tries the command on a copy, so that the caller learns at once when it is refused, then
    /// publishes it.
    async fn command(&self, id: JobId, status: JobStatus) -> Result<()> {
        let queue = &self.options().events_queue;
        let (level, posted) = in_transaction(self.database(), |tx| {
            let (status, queue) = (status.clone(), queue.clone());
            Box::pin(async move {
                let stored = job::get(tx, id).await?;
                let (job, now) = (stored.job, Instant::from(Utc::now()));
                apply_stored(&job, stored.action_revision, &status, now)
                    .map_err(domain::Error::from)?;
                let event = JobEvent::new(id, status, job.revision);
                let mut posted = Posted::default();
                posted.post(tx, &queue, vec![event.to_json()]).await?;
                failpoint!("command.commit.before");
                Ok::<_, database::Error>((job.execution_level, posted))
            })
        })
        .await?;
        failpoint!("command.commit.after");
        if level == ExecutionLevel::Synchronous {
            return self.run_to_end(posted).await;
        }
        self.relay(posted).await;
        Ok(())
    }
}
