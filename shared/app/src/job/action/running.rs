//! A running entry action and its lease.

use crate::failpoint::failpoint;
use crate::job::failure;
use crate::job::outbox::Posted;
use crate::{App, Error, Result};
use chrono::Utc;
use database::job::{self, StoredJob};
use database::{PgConnection, Tx, job_log, task};
use domain::job::{ActionEnd, EntryAction, Failure, Job, JobEvent, LogEntry, Severity};
use domain::{Instant, RunId};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long nobody else may run the action after its runner was last heard of.
pub(in crate::job) const LEASE: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(8);
/// After how long the log of the job repeats why an action does not come to its end.
const TOLD_AGAIN: Duration = Duration::from_mins(1);

/// Why an action stopped before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A newer event took the lease away: whatever it leads to sees to the rest.
    Superseded,
    /// It failed.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// A running entry action.
#[derive(Debug)]
pub(in crate::job) struct Running {
    pub app: App,
    /// The job as it entered the state.
    pub job: Job,
    run: RunId,
}

/// A transaction of an action that still has its lease; the row of the job is locked.
#[derive(Debug)]
pub(super) struct Step {
    pub tx: Tx,
    pub stored: StoredJob,
    pub posted: Posted,
}

impl Running {
    pub(in crate::job) fn new(app: App, job: Job, run: RunId) -> Self {
        Self { app, job, run }
    }

    /// This run of the action.
    pub(super) fn run(&self) -> RunId {
        self.run
    }

    /// Begins a transaction under the lease.
    pub(super) async fn begin(&self) -> Result<Step, Stop> {
        let mut tx = self.app.database().begin().await?;
        let stored = job::get_for_action(&mut tx, self.job.id, self.run).await?;
        let stored = stored.ok_or(Stop::Superseded)?;
        failpoint!("action.begin.after");
        Ok(Step {
            tx,
            stored,
            posted: Posted::default(),
        })
    }

    /// Records the end of the action, posts what follows, and commits.
    pub(super) async fn end(
        &self,
        entry: EntryAction,
        step: Step,
        end: ActionEnd,
    ) -> Result<Posted, Stop> {
        self.finish(entry, step, Ok(end)).await
    }

    /// Records the failure of the action as an event of the job. An action without such an event
    /// stays unfinished, so that it is run again.
    pub(super) async fn fail(&self, entry: EntryAction, error: Error) -> Result<Posted> {
        failpoint!("action.failure.before");
        let failed = Err(failure::failure(&error));
        if entry.follow_up(failed.clone()).is_none() {
            self.give_back().await;
            return Err(error);
        }
        let recorded = match self.begin().await {
            Ok(step) => self.finish(entry, step, failed).await,
            Err(stop) => Err(stop),
        };
        match recorded {
            Ok(posted) => Ok(posted),
            Err(Stop::Superseded) => Ok(Posted::default()),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    async fn finish(
        &self,
        entry: EntryAction,
        step: Step,
        end: Result<ActionEnd, Failure>,
    ) -> Result<Posted, Stop> {
        let Step {
            mut tx,
            stored,
            mut posted,
        } = step;
        if let Some(status) = entry.follow_up(end) {
            let event = JobEvent::new(self.job.id, status, stored.job.revision);
            self.app.post_event(&mut tx, &mut posted, &event).await?;
        }
        if !job::finish_action(&mut tx, self.job.id, self.run).await? {
            return Err(Stop::Superseded);
        }
        failpoint!("action.end.before");
        tx.commit().await?;
        failpoint!("action.end.after");
        Ok(posted)
    }

    /// Prolongs the lease until the guard is dropped.
    pub(super) fn keep_lease(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let (app, id, run) = (self.app.clone(), self.job.id, self.run);
        let beat = async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                let extended = async {
                    let mut connection = app.database().write().await?;
                    job::extend_action(&mut connection, id, run, LEASE).await
                };
                let extended = extended.await;
                failpoint!("action.lease.after");
                match extended {
                    Ok(true) => {}
                    // the next transaction of the action finds it out
                    Ok(false) => return,
                    Err(error) => {
                        tracing::warn!(job.id = %id, error = failure::text(&error), "the lease of the action is not prolonged");
                    }
                }
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(beat));
        stop.drop_guard()
    }

    /// Ends the lease, so that the next delivery runs the action again at once.
    pub(super) async fn give_back(&self) {
        failpoint!("action.return.before");
        let given = async {
            let mut connection = self.app.database().write().await?;
            job::extend_action(&mut connection, self.job.id, self.run, Duration::ZERO).await
        };
        if let Err(error) = given.await {
            tracing::debug!(
                error = failure::text(&error),
                "the lease of the action runs out by itself"
            );
        }
    }

    /// Tells the user why the action does not come to its end for now, as far as the database can be reached; the same reason
    /// once a minute.
    pub(super) async fn tell(&self, error: &Error) {
        let text = format!("{}: to be tried again", failure::text(error));
        let entry = self.entry(Severity::Warn, text);
        let told = async {
            let mut connection = self.app.database().write().await?;
            job_log::append_once(&mut connection, self.job.id, &entry, TOLD_AGAIN).await
        };
        if let Err(error) = told.await {
            tracing::debug!(
                error = failure::text(&error),
                "the log of the job does not tell"
            );
        }
    }

    /// An entry of the log of the job, in the state of the action.
    pub(super) fn entry(&self, severity: Severity, text: impl Into<String>) -> LogEntry {
        LogEntry::new(Instant::from(Utc::now()), severity, self.job.state, text)
    }

    /// Appends to the log at once, whatever becomes of the action.
    pub(super) async fn log(&self, entries: &[LogEntry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut connection = self.app.database().write().await?;
        Ok(job_log::append(&mut connection, self.job.id, entries).await?)
    }
}

impl Step {
    /// The connection of the transaction.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Counts the tasks anew and stores the job.
    pub(super) async fn recount(&mut self) -> Result<(), Stop> {
        let counters = task::counters(&mut self.tx, self.stored.job.id).await?;
        let job = &mut self.stored.job;
        job.counters = counters;
        job.last_update = Instant::from(Utc::now());
        self.stored.row_version =
            job::update(&mut self.tx, &self.stored.job, self.stored.row_version).await?;
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<Posted, Stop> {
        failpoint!("action.step.before");
        self.tx.commit().await?;
        failpoint!("action.step.after");
        Ok(self.posted)
    }
}
