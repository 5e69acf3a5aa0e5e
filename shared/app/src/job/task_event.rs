//! Results of tasks.

mod gathering;

use super::Handled;
use super::outbox::Posted;
use crate::failpoint::failpoint;
use crate::{App, Error, Result};
use chrono::Utc;
use database::{PgConnection, job, job_log, lease, task};
use domain::job::{
    FollowUp, Job, JobEvent, JobStatus, TaskEvent, TasksOutcome, Verdict, apply_tasks,
    cancellation_ended,
};
use domain::{Entity, Instant, JobId, TaskId};
pub(crate) use gathering::Gathering;
use gathering::Turn;
use tracing::Instrument;

impl App {
    /// Handles the result of a task, under the lock of its job: of many results that arrive
    /// together, exactly one sees that it is the last. Those of one job that arrive together are handled by one transaction.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown job or task.
    #[tracing::instrument(skip_all, fields(job.id = %event.job_id, task.id = %event.task_id, status = %event.status))]
    pub async fn handle_task_event(&self, event: TaskEvent) -> Result<Handled> {
        let job = event.job_id;
        let (answer, turn) = self.gathering().add(event);
        if let Some(turn) = turn {
            let (app, span) = (self.clone(), tracing::info_span!("results", job.id = %job));
            // the others wait for it, even when this caller is dropped
            tokio::spawn(async move { app.handle_gathered(job, turn).await }.instrument(span));
        }
        answer
            .await
            .unwrap_or_else(|lost| Err(Error::unavailable("the handler of results", lost)))
    }

    async fn handle_gathered(&self, job: JobId, mut turn: Turn) {
        loop {
            let (events, answers): (Vec<_>, Vec<_>) = turn.next().await.into_iter().unzip();
            if events.is_empty() {
                return;
            }
            let handled: Vec<Result<Handled>> = match self.handle_results(job, &events).await {
                Ok((handled, active)) => {
                    turn.handled(events.len(), active);
                    handled
                }
                Err(error) => events.iter().map(|_| Err(error.clone())).collect(),
            };
            for (answer, handled) in answers.into_iter().zip(handled) {
                // whoever asked may be gone
                let _unheard = answer.send(handled);
            }
        }
    }

    /// Handles results of one job; what became of each, and how many of its tasks are still at work.
    async fn handle_results(
        &self,
        id: JobId,
        events: &[TaskEvent],
    ) -> Result<(Vec<Result<Handled>>, u32)> {
        let mut posted = Posted::default();
        let mut tx = self.database().begin().await?;
        let stored = job::get_for_update(&mut tx, id).await?;
        let ids: Vec<TaskId> = events.iter().map(|event| event.task_id).collect();
        let tasks = task::lock_many(&mut tx, &ids).await?;
        let now = Instant::from(Utc::now());
        let TasksOutcome {
            job,
            changed,
            logs,
            follow_up,
            verdicts,
        } = apply_tasks(stored.job, tasks, events, now);
        if !changed.is_empty() {
            task::update(&mut tx, &changed).await?;
            job::update(&mut tx, &job, stored.row_version).await?;
            job_log::append(&mut tx, id, &logs).await?;
        }
        if let Some(status) = status_of(&mut tx, &job, follow_up, stored.entered, now).await? {
            let event = JobEvent::new(id, status, job.revision);
            self.post_event(&mut tx, &mut posted, &event).await?;
        }
        failpoint!("result.commit.before");
        tx.commit().await?;
        failpoint!("result.commit.after");
        self.relay(posted).await;
        let answers = events.iter().zip(verdicts);
        let answers = answers.map(|(event, verdict)| answer(event, verdict));
        Ok((answers.collect(), job.counters.active))
    }
}

fn answer(event: &TaskEvent, verdict: Verdict) -> Result<Handled> {
    match verdict {
        Verdict::Changed => Ok(Handled::Done),
        Verdict::Unchanged => Ok(Handled::Duplicate),
        Verdict::Unknown => Err(domain::Error::not_found(Entity::Task, "id", event.task_id).into()),
        Verdict::Refused(refusal) => {
            tracing::info!(task.id = %event.task_id, %refusal, "result of a task is stale");
            Ok(Handled::Stale(refusal.to_string()))
        }
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
