//! Events of jobs.

use super::action::{self, Running};
use super::outbox::Posted;
use crate::failpoint::failpoint;
use crate::{App, Error, Result};
use chrono::Utc;
use database::job::StoredJob;
use database::{PgConnection, job, job_log, processed_event};
use domain::job::{ActionRecord, EntryAction, JobEvent, Reception, Transition, receive};
use domain::{EventId, Instant, RunId};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It changed something, and what follows from it is on its way.
    Done,
    /// It was handled before.
    Duplicate,
    /// Its entry action is running: it is to be delivered again, in case that the one who runs it
    /// dies.
    Busy,
    /// It does not concern the present state; nothing of the job was written.
    Stale(String),
}

/// What the first transaction of an event decided.
enum Taken {
    /// Nothing is left to do.
    Answered(Handled),
    /// The entry action belongs to this call.
    Action(Box<Running>, EntryAction),
}

impl App {
    /// Handles an event: saves the new state, runs its entry action, and publishes what follows.
    ///
    /// # Errors
    /// [`domain::Error::NotFound`] for an unknown job. Errors of the action become events of the
    /// job; those that another try may cure are returned, and the event is to be delivered again.
    #[tracing::instrument(skip_all, fields(job.id = %event.job_id, event = %event.status))]
    pub async fn handle_job_event(&self, event: JobEvent) -> Result<Handled> {
        let (handled, posted) = self.advance(&event).await?;
        self.relay(posted).await;
        Ok(handled)
    }

    /// [`App::handle_job_event`] whose messages are still to be published.
    pub(super) async fn advance(&self, event: &JobEvent) -> Result<(Handled, Posted)> {
        match self.take(event).await? {
            Taken::Answered(handled) => Ok((handled, Posted::default())),
            Taken::Action(running, entry) => {
                Ok((Handled::Done, action::perform(*running, entry).await?))
            }
        }
    }

    /// Saves the state that an event leads to, and takes the lease of its entry action.
    async fn take(&self, event: &JobEvent) -> Result<Taken> {
        failpoint!("event.begin.before");
        let mut tx = self.database().begin().await?;
        let stored = job::get_for_update(&mut tx, event.job_id).await?;
        let processed = match event.event_id {
            Some(id) => processed_event::contains(&mut tx, id).await?,
            None => false,
        };
        let now = Instant::from(Utc::now());
        let taken = match receive(&stored.job, &record(&stored), event, processed, now) {
            Reception::Finished | Reception::Duplicate => Taken::Answered(Handled::Duplicate),
            Reception::Busy => Taken::Answered(Handled::Busy),
            Reception::Stale(refusal) => {
                tracing::info!(%refusal, "event is stale");
                if let Some(id) = event.event_id.filter(|_| event.status.is_command()) {
                    processed_event::record(&mut tx, id, event.job_id).await?;
                }
                Taken::Answered(Handled::Stale(refusal.to_string()))
            }
            Reception::RunAgain(entry) => self.take_again(&mut tx, &stored, entry).await?,
            Reception::Handled(transition) => {
                self.save(&mut tx, &stored, event, *transition).await?
            }
        };
        failpoint!("event.commit.before");
        tx.commit().await?;
        failpoint!("event.commit.after");
        Ok(taken)
    }

    async fn save(
        &self,
        conn: &mut PgConnection,
        stored: &StoredJob,
        event: &JobEvent,
        transition: Transition,
    ) -> Result<Taken> {
        let Transition { job, logs, entry } = transition;
        let run = RunId::new();
        let id = event.event_id.unwrap_or_else(EventId::new);
        let event = JobEvent {
            event_id: Some(id),
            ..event.clone()
        };
        let payload = serde_json::from_slice(&event.to_json())
            .map_err(|error| Error::internal("writing an event", error))?;
        job::update(conn, &job, stored.row_version).await?;
        job::record_event(conn, job.id, id, &payload, run, action::LEASE).await?;
        job_log::append(conn, job.id, &logs).await?;
        tracing::info!(state = %job.state, waiting = job.waiting, "job advances");
        let Some(entry) = entry else {
            if !job.waiting {
                job::finish_action(conn, job.id, run).await?;
            }
            return Ok(Taken::Answered(Handled::Done));
        };
        Ok(Taken::Action(
            Box::new(Running::new(self.clone(), job, run)),
            entry,
        ))
    }

    async fn take_again(
        &self,
        conn: &mut PgConnection,
        stored: &StoredJob,
        entry: EntryAction,
    ) -> Result<Taken> {
        let (job, run) = (&stored.job, RunId::new());
        if !job::take_action(conn, job.id, job.revision, run, action::LEASE).await? {
            return Ok(Taken::Answered(Handled::Busy));
        }
        tracing::info!(state = %job.state, "the entry action is run again");
        Ok(Taken::Action(
            Box::new(Running::new(self.clone(), job.clone(), run)),
            entry,
        ))
    }
}

fn record(stored: &StoredJob) -> ActionRecord {
    ActionRecord {
        last_event_id: stored.last_event.as_ref().map(|last| last.id),
        action_revision: stored.action_revision,
        lease_is_live: stored.action_live,
    }
}
