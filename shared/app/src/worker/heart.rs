//! The heart of a run. It beats on a thread of its own, by a connection of its own, so that raster work that keeps all
//! other threads busy never makes the lease run out.

use super::Worker;
use super::stop::{Cause, StopFlag};
use crate::failpoint::failpoint;
use crate::job::failure;
use database::PgConnection;
use database::lease::{self, Heartbeat};
use domain::job::JobState;
use domain::{RunId, TaskId};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Heartbeats that may fail in a row: the lease expires with the next one.
const MISSED_BEATS: u32 = 3;

/// Keeps the lease of a run, and tells the run to stop.
#[derive(Clone)]
pub(super) struct Heart {
    worker: Worker,
    task: TaskId,
    run: RunId,
    stop: StopFlag,
}

impl Heart {
    pub(super) fn new(worker: Worker, task: TaskId, run: RunId, stop: StopFlag) -> Self {
        Self {
            worker,
            task,
            run,
            stop,
        }
    }

    /// Prolongs the lease, and sets the flag when the run is to stop.
    pub(super) async fn beat(&self) -> database::Result<()> {
        let mut connection = self.worker.parts.database.write().await?;
        self.beat_by(&mut connection).await
    }

    /// Beats, watches the clock and the shut-down until the guard is dropped.
    ///
    /// # Errors
    /// When there is no further thread.
    pub(super) fn start(&self) -> std::io::Result<DropGuard> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (heart, token) = (self.clone(), CancellationToken::new());
        let life = token
            .clone()
            .run_until_cancelled_owned(async move { heart.keep_alive().await });
        std::thread::Builder::new()
            .name("heart".to_owned())
            .spawn(move || runtime.block_on(life))?;
        Ok(token.drop_guard())
    }

    async fn keep_alive(&self) {
        let longest = async {
            match self.worker.longest() {
                Some(longest) => tokio::time::sleep(longest).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.worker.parts.stopping.cancelled() => self.stop.set(Cause::ShutDown),
            () = longest => self.stop.set(Cause::Overtime),
            () = self.keep_beating() => {}
        }
    }

    /// Beats until the flag is set.
    async fn keep_beating(&self) {
        let pause = beat_interval(self.worker.options().lease);
        let mut beats = interval_at(tokio::time::Instant::now() + pause, pause);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut connection, mut missed) = (None, 0);
        while !self.stop.is_set() {
            beats.tick().await;
            let beaten = match timeout(pause, self.beat_alone(&mut connection)).await {
                Ok(Ok(())) => {
                    missed = 0;
                    continue;
                }
                Ok(Err(error)) => failure::text(&error),
                Err(_) => "the database does not answer".to_owned(),
            };
            // whatever is wrong with it, the next one may be better
            connection = None;
            missed += 1;
            tracing::warn!(
                missed,
                error = beaten,
                "the lease of the order is not prolonged"
            );
            if missed >= MISSED_BEATS {
                self.stop.set(Cause::LeaseLost);
            }
        }
    }

    /// Beats by a connection that belongs to this thread, made with the first beat.
    async fn beat_alone(&self, connection: &mut Option<PgConnection>) -> database::Result<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.worker.parts.database.connect_alone().await?),
        };
        self.beat_by(connection).await
    }

    async fn beat_by(&self, connection: &mut PgConnection) -> database::Result<()> {
        let lease = self.worker.options().lease;
        let beat = lease::heartbeat(connection, self.task, self.run, lease).await?;
        failpoint!("order.lease.after");
        self.heed(beat);
        Ok(())
    }

    /// Sets the flag when what was learnt tells the run to stop.
    pub(super) fn heed(&self, beat: Option<Heartbeat>) {
        if let Some(cause) = verdict(beat) {
            self.stop.set(cause);
        }
    }
}

/// Three beats may be missed before the lease runs out.
fn beat_interval(lease: Duration) -> Duration {
    lease / (MISSED_BEATS + 1)
}

/// What a heartbeat tells the run to do.
fn verdict(beat: Option<Heartbeat>) -> Option<Cause> {
    let Some(Heartbeat {
        cancel_requested,
        job_state,
    }) = beat
    else {
        return Some(Cause::LeaseLost);
    };
    if cancel_requested {
        return Some(Cause::Cancelled);
    }
    match job_state {
        Some(
            JobState::ConsolidationInProgress
            | JobState::ConsolidationRetrying
            | JobState::ConsolidationForceRetrying
            // another task failed: this one is still needed by a retry
            | JobState::ConsolidationFailed,
        ) => None,
        Some(_) | None => Some(Cause::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, verdict};
    use database::lease::Heartbeat;
    use domain::job::JobState;

    #[test]
    fn a_heartbeat_tells_when_to_stop() {
        let beat = |cancel_requested, job_state| {
            Some(Heartbeat {
                cancel_requested,
                job_state,
            })
        };
        for (beat, expected) in [
            (None, Some(Cause::LeaseLost)),
            (beat(false, None), Some(Cause::Cancelled)),
            (
                beat(true, Some(JobState::ConsolidationInProgress)),
                Some(Cause::Cancelled),
            ),
            (beat(false, Some(JobState::ConsolidationInProgress)), None),
            (beat(false, Some(JobState::ConsolidationRetrying)), None),
            (
                beat(false, Some(JobState::ConsolidationForceRetrying)),
                None,
            ),
            (beat(false, Some(JobState::ConsolidationFailed)), None),
            (
                beat(false, Some(JobState::ConsolidationCancelling)),
                Some(Cause::Cancelled),
            ),
            (beat(false, Some(JobState::Aborted)), Some(Cause::Cancelled)),
        ] {
            assert_eq!(verdict(beat), expected, "{beat:?}");
        }
    }
}
