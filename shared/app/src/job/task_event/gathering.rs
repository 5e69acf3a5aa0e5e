//! Results that wait for each other: of those of a job that arrive together, one caller handles all.

use super::Handled;
use crate::Result;
use domain::JobId;
use domain::job::TaskEvent;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Longest time for which results wait for others, and how many of them wait for no more.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
const ENOUGH: usize = 8;
/// Tasks of a job at work below which its results do not wait: its end is near.
const MANY: u32 = 32;
/// Results that do not wait after one that waited in vain: they come one after the other, or seldom.
const NOT_WAITING: usize = 256;
/// How long a job is remembered whose results have ceased to come.
const REMEMBERED: Duration = Duration::from_mins(10);

/// An event, and who waits for its answer.
type Waiting = (TaskEvent, oneshot::Sender<Result<Handled>>);

/// Results that are not handled yet, by job.
#[derive(Debug, Default)]
pub(crate) struct Gathering(Mutex<HashMap<JobId, OfJob>>);

#[derive(Debug)]
struct OfJob {
    waiting: Vec<Waiting>,
    /// Whether somebody handles them.
    is_led: bool,
    pace: Pace,
    enough: Arc<Notify>,
    used: Instant,
}

impl Gathering {
    /// Adds a result: its answer, and the right to handle those of the job if nobody has it.
    pub(super) fn add(
        self: &Arc<Self>,
        event: TaskEvent,
    ) -> (oneshot::Receiver<Result<Handled>>, Option<Turn>) {
        let (sender, answer) = oneshot::channel();
        let (id, now) = (event.job_id, Instant::now());
        let mut jobs = self.lock();
        if !jobs.contains_key(&id) {
            jobs.retain(|_, of_job| of_job.is_led || now - of_job.used < REMEMBERED);
        }
        let of_job = jobs.entry(id).or_insert_with(|| OfJob {
            waiting: Vec::new(),
            is_led: false,
            pace: Pace::default(),
            enough: Arc::default(),
            used: now,
        });
        of_job.used = now;
        of_job.waiting.push((event, sender));
        if of_job.waiting.len() >= ENOUGH {
            of_job.enough.notify_one();
        }
        let is_first = !std::mem::replace(&mut of_job.is_led, true);
        let turn = is_first.then(|| Turn {
            gathering: Arc::clone(self),
            job: id,
            waited: false,
            is_over: false,
        });
        (answer, turn)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, OfJob>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to handle the results of a job. Who drops it before its end leaves those that wait without an answer.
#[derive(Debug)]
pub(super) struct Turn {
    gathering: Arc<Gathering>,
    job: JobId,
    /// Whether the results that were taken last had waited.
    waited: bool,
    is_over: bool,
}

impl Turn {
    /// The next results, after a wait for more of them if many are to come; none at the end of the turn.
    pub(super) async fn next(&mut self) -> Vec<Waiting> {
        let waits = {
            let mut jobs = self.gathering.lock();
            let of_job = jobs.get_mut(&self.job);
            of_job.filter(|of_job| of_job.pace.waits()).map(|of_job| {
                let is_enough = of_job.waiting.len() >= ENOUGH;
                (
                    Arc::clone(&of_job.enough),
                    is_enough || of_job.waiting.is_empty(),
                )
            })
        };
        self.waited = waits.is_some();
        match waits {
            Some((enough, false)) => {
                // that nobody else came is an answer too
                let _elapsed = tokio::time::timeout(LONGEST_WAIT, enough.notified()).await;
            }
            Some((_, true)) => {}
            // those that were delivered together are about to be added
            None => tokio::task::yield_now().await,
        }
        let mut jobs = self.gathering.lock();
        let Some(of_job) = jobs.get_mut(&self.job) else {
            return Vec::new();
        };
        let taken = std::mem::take(&mut of_job.waiting);
        // what was told of these is not told of the next ones
        of_job.enough = Arc::default();
        if taken.is_empty() {
            of_job.is_led = false;
            if of_job.pace.active <= MANY {
                jobs.remove(&self.job);
            }
            self.is_over = true;
        }
        taken
    }

    /// Tells how many results were handled, and how many tasks of the job are still at work.
    pub(super) fn handled(&self, results: usize, active: u32) {
        if let Some(of_job) = self.gathering.lock().get_mut(&self.job) {
            of_job.pace = of_job.pace.after(self.waited, results, active);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.gathering.lock().remove(&self.job);
        }
    }
}

/// Whether results wait for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pace {
    /// Tasks at work.
    active: u32,
    /// Results to handle at once before it is tried again whether others come.
    not_waiting: usize,
}

impl Pace {
    fn waits(self) -> bool {
        self.active > MANY && self.not_waiting == 0
    }

    fn after(self, waited: bool, results: usize, active: u32) -> Self {
        let in_vain = waited && results < 2;
        Self {
            active,
            not_waiting: if in_vain {
                NOT_WAITING
            } else {
                self.not_waiting.saturating_sub(results)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NOT_WAITING, Pace};

    #[test]
    fn results_wait_only_where_many_come_together() {
        let first = Pace::default();
        assert!(!first.waits(), "nothing is known of the job");
        let many = first.after(false, 1, 5000);
        assert!(many.waits());
        assert!(many.after(true, 5, 4995).waits());
        assert!(!many.after(true, 5, 32).waits(), "the end is near");

        let alone = many.after(true, 1, 4999);
        assert!(!alone.waits(), "nobody came");
        let mut later = alone;
        for handled in 1..=NOT_WAITING as u32 {
            assert!(!later.waits());
            later = later.after(false, 1, 4999 - handled);
        }
        assert!(later.waits(), "it is tried again");
    }
}
