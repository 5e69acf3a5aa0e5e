//! Results of tasks.

use super::Handled;
use super::outbox::Posted;
use crate::failpoint::failpoint;
use crate::{App, Result};
use chrono::Utc;
use database::{PgConnection, job, job_log, lease, task};
use domain::job::{
    FollowUp, Job, JobEvent, JobStatus, Task, TaskEvent, TaskOutcome, apply_task,
    cancellation_ended,
};
use domain::{Entity, Error, Instant};

impl App {
    /// Handles the result of a task, under the lock of its job: of many results that arrive
    /// together, exactly one sees that it is the last.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown job or task.
    #[tracing::instrument(skip_all, fields(job.id = %event.job_id, task.id = %event.task_id, status = %event.status))]
    pub async fn handle_task_event(&self, event: TaskEvent) -> Result<Handled> {
        let mut posted = Posted::default();
        let mut tx = self.database().begin().await?;
        let stored = job::get_for_update(&mut tx, event.job_id).await?;
        let found = task::get_for_update(&mut tx, event.task_id).await?;
        let found = found
            .filter(|task| task.job_id == event.job_id)
            .ok_or_else(|| Error::not_found(Entity::Task, "id", event.task_id))?;
        let now = Instant::from(Utc::now());
        let outcome = match apply_task(&stored.job, &found, &event, now) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                tracing::info!(%refusal, "result of a task is stale");
                return Ok(Handled::Stale(refusal.to_string()));
            }
        };
        let entered = stored.entered;
        let (handled, job, follow_up) = match outcome {
            TaskOutcome::Unchanged { follow_up } => (Handled::Duplicate, stored.job, follow_up),
            TaskOutcome::Changed {
                job,
                state,
                logs,
                follow_up,
            } => {
                task::update(&mut tx, &[Task { state, ..found }]).await?;
                job::update(&mut tx, &job, stored.row_version).await?;
                job_log::append(&mut tx, event.job_id, &logs).await?;
                (Handled::Done, *job, follow_up)
            }
        };
        if let Some(status) = status_of(&mut tx, &job, follow_up, entered, now).await? {
            let event = JobEvent::new(job.id, status, job.revision);
            self.post_event(&mut tx, &mut posted, &event).await?;
        }
        failpoint!("result.commit.before");
        tx.commit().await?;
        failpoint!("result.commit.after");
        self.relay(posted).await;
        Ok(handled)
    }
}

/// The event that follows, for a job that entered its state at `entered`.
async fn status_of(
    conn: &mut PgConnection,
    job: &Job,
    follow_up: Option<FollowUp>,
    entered: Instant,
    now: Instant,
) -> Result<Option<JobStatus>> {
    match follow_up {
        None => Ok(None),
        Some(FollowUp::Publish(status)) => Ok(Some(status)),
        Some(FollowUp::TestCancellation) => {
            let live = lease::live_count(conn, job.id).await?;
            Ok(cancellation_ended(live, entered, now).then_some(JobStatus::CancellationDone))
        }
    }
}
