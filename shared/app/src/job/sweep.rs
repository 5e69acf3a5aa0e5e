//! The sweeper: whatever got lost is sent again.

mod files;

use super::failure;
use crate::failpoint::failpoint;
use crate::{App, Error, Result};
use chrono::Utc;
use database::lease::{self, FinishedRun};
use database::{PgConnection, Tx, job, outbox, processed_event, task};
use domain::Instant;
use domain::job::{
    JobEvent, JobState, JobStatus, Task, TaskEvent, TaskState, cancellation_ended, payload,
};
use messaging::Message;
use runtime::config::Sweep;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Things of one kind that one transaction looks at.
const CHUNK: u32 = 100;
/// Age of an order that counts as lost although workers are busy.
const LONG_WAIT: Duration = Duration::from_mins(15);
/// How long sent messages are kept.
const KEEP_SENT: Duration = Duration::from_hours(24);
/// How long handled events are remembered: longer than any queue keeps a message.
const KEEP_EVENTS: Duration = Duration::from_hours(7 * 24);

/// What a sweep sent again, and the files that it deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Messages of the outbox that were not published.
    pub messages: usize,
    /// Jobs whose entry action nobody runs, or whose next event did not arrive.
    pub actions: usize,
    /// Orders that nobody took, or whose worker died.
    pub orders: usize,
    /// Results that were not published.
    pub results: usize,
    /// Cancelled jobs whose workers are gone.
    pub cancellations: usize,
    /// Files that dead or late workers left, and markers of cancelled tasks, of jobs that are over.
    pub files: usize,
}

impl App {
    /// Sweeps at regular times until `stop` is cancelled.
    pub async fn sweep_until(&self, thresholds: Sweep, stop: CancellationToken) {
        let mut timer = tokio::time::interval(thresholds.interval);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(timer.tick()).await.is_some() {
            match self.sweep(&thresholds).await {
                Ok(None) => {}
                Ok(Some(swept)) if swept == Swept::default() => {}
                Ok(Some(swept)) => {
                    tracing::info!(?swept, "lost work is sent again, left files are deleted");
                }
                Err(error) => tracing::warn!(error = failure::text(&error), "the sweep failed"),
            }
        }
    }

    /// Sends again whatever got lost for longer than the thresholds; `None` when another sweep is
    /// under way. Each step is one transaction after the other, so that one connection is enough.
    ///
    /// # Errors
    /// The first one, when the database or the queue do not answer; everything is tried, and what is
    /// left is found by the next sweep.
    pub async fn sweep(&self, thresholds: &Sweep) -> Result<Option<Swept>> {
        let messages = self.resend_messages(thresholds.resend_message_after).await;
        if matches!(messages, Ok(None)) {
            return Ok(None);
        }
        let mut failed = FirstError::default();
        let actions = self.rerun_actions(thresholds.rerun_action_after).await;
        let lost = self.resend_lost_orders(thresholds.resend_order_after).await;
        let abandoned = self
            .resend_abandoned_orders(thresholds.resend_lost_order_after)
            .await;
        let results = self.publish_results(thresholds.publish_result_after).await;
        let cancellations = self.end_cancellations().await;
        let files = self.delete_left_files(thresholds.delete_part_after).await;
        let swept = Swept {
            messages: failed.keep("messages", messages),
            actions: failed.keep("actions", actions),
            orders: failed.keep("lost orders", lost) + failed.keep("abandoned orders", abandoned),
            results: failed.keep("results", results),
            cancellations: failed.keep("cancellations", cancellations),
            files: failed.keep("files", files),
        };
        failed.keep("former messages", self.forget().await.map(Some));
        match failed.0 {
            Some(error) => Err(error),
            None => Ok(Some(swept)),
        }
    }

    /// Begins a transaction of a sweep; `None` while another sweep has one.
    async fn begin_sweep(&self) -> Result<Option<Tx>> {
        let mut tx = self.database().begin().await?;
        Ok(outbox::try_sweep_lock(&mut tx).await?.then_some(tx))
    }

    async fn forget(&self) -> Result<()> {
        let mut connection = self.database().write().await?;
        outbox::purge(&mut connection, KEEP_SENT).await?;
        processed_event::purge(&mut connection, KEEP_EVENTS).await?;
        Ok(())
    }

    /// A message that the queue refuses does not hold up the others.
    async fn resend_messages(&self, age: Duration) -> Result<Option<usize>> {
        let (mut count, mut last) = (None, 0);
        loop {
            let Some(mut tx) = self.begin_sweep().await? else {
                return Ok(count);
            };
            let unsent = outbox::take_unsent(&mut tx, age, last, CHUNK).await?;
            let found = unsent.len();
            last = unsent.last().map_or(last, |stored| stored.id);
            let ids = match self.publish_stored(unsent.clone()).await {
                Ok(ids) => ids,
                Err(error) if error.is_retryable() => return Err(error),
                Err(_) => self.publish_each(unsent).await?,
            };
            outbox::mark_sent(&mut tx, &ids).await?;
            failpoint!("sweep.messages.before");
            tx.commit().await?;
            failpoint!("sweep.messages.after");
            count = Some(count.unwrap_or_default() + ids.len());
            if found < CHUNK as usize {
                return Ok(count);
            }
        }
    }

    /// The event that led to the state is delivered again: its identity makes the action run. So is the one that follows
    /// from the state, where the action is finished: a queue may have lost it.
    async fn rerun_actions(&self, idle: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let stalled = job::take_stalled(&mut tx, idle, CHUNK).await?;
        let events = stalled.into_iter().filter_map(|stored| stored.last_event);
        let mut payloads: Vec<_> = events.map(|event| event.payload).collect();
        payloads.extend(job::take_follow_ups(&mut tx, idle, CHUNK).await?);
        let messages: Vec<Message> = payloads
            .iter()
            .map(|payload| Message::new(payload.to_string()))
            .collect();
        let count = self.publish_events(messages).await?;
        failpoint!("sweep.actions.before");
        tx.commit().await?;
        failpoint!("sweep.actions.after");
        Ok(Some(count))
    }

    /// While workers are busy an order may only be waiting for its turn, so it takes much longer
    /// until it counts as lost: otherwise a long queue would grow with every sweep.
    async fn resend_lost_orders(&self, age: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let age = if is_any_worker_busy(&mut tx).await? {
            age.max(LONG_WAIT)
        } else {
            age
        };
        let lost = task::take_lost(&mut tx, age, CHUNK).await?;
        let count = self.publish_orders(&lost).await?;
        failpoint!("sweep.orders.before");
        tx.commit().await?;
        failpoint!("sweep.orders.after");
        Ok(Some(count))
    }

    async fn resend_abandoned_orders(&self, grace: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let abandoned = lease::take_abandoned(&mut tx, grace, CHUNK).await?;
        let ids: Vec<_> = abandoned.iter().map(|order| order.task).collect();
        let mut tasks = task::get_many(&mut tx, &ids).await?;
        tasks.retain(|task| task.state == TaskState::Pending);
        let count = self.publish_orders(&tasks).await?;
        failpoint!("sweep.orders.before");
        tx.commit().await?;
        failpoint!("sweep.orders.after");
        Ok(Some(count))
    }

    async fn publish_results(&self, age: Duration) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let runs = lease::take_unpublished(&mut tx, age, CHUNK).await?;
        let messages = runs
            .iter()
            .map(|run| Message::new(result(run).to_json()))
            .collect();
        let queue = &self.options().events_queue;
        let published = self.publish_again(queue, messages).await?;
        for run in published.iter().map(|position| &runs[*position]) {
            lease::mark_published(&mut tx, run.order.task, run.run).await?;
        }
        failpoint!("sweep.results.before");
        tx.commit().await?;
        failpoint!("sweep.results.after");
        Ok(Some(published.len()))
    }

    /// Cancelled jobs whose last worker ended without a word.
    async fn end_cancellations(&self) -> Result<Option<usize>> {
        let Some(mut tx) = self.begin_sweep().await? else {
            return Ok(None);
        };
        let states = [JobState::ConsolidationCancelling];
        let mut messages = Vec::new();
        for found in job::list_in_states(&mut tx, None, &states).await? {
            let stored = job::get(&mut tx, found.id).await?;
            let live = lease::live_count(&mut tx, found.id).await?;
            let now = Instant::from(Utc::now());
            let told = stored.action_finished() && !stored.job.waiting;
            if told && cancellation_ended(live, stored.entered, now) {
                let event =
                    JobEvent::new(found.id, JobStatus::CancellationDone, stored.job.revision);
                messages.push(Message::new(event.to_json()));
            }
        }
        let count = self.publish_events(messages).await?;
        failpoint!("sweep.cancellations.before");
        tx.commit().await?;
        failpoint!("sweep.cancellations.after");
        Ok(Some(count))
    }

    async fn publish_events(&self, messages: Vec<Message>) -> Result<usize> {
        let queue = &self.options().events_queue;
        Ok(self.publish_again(queue, messages).await?.len())
    }

    async fn publish_orders(&self, tasks: &[Task]) -> Result<usize> {
        let order = |task: &Task| match payload::order_message(task) {
            Ok(order) => Some(Message::new(order)),
            Err(error) => {
                tracing::error!(task.id = %task.id, error = failure::text(&error), "the order of a task cannot be read");
                None
            }
        };
        let orders = tasks.iter().filter_map(order).collect();
        let queue = &self.options().orders_queue;
        Ok(self.publish_again(queue, orders).await?.len())
    }

    /// Publishes messages; the positions of those that the queue took. One that it refuses is logged
    /// and does not hold up the others.
    async fn publish_again(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<usize>> {
        let all = (0..messages.len()).collect();
        if messages.is_empty() {
            return Ok(all);
        }
        match self.publish_to(queue, messages.clone()).await {
            Ok(()) => return Ok(all),
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) => {}
        }
        let mut taken = Vec::new();
        for (position, message) in messages.into_iter().enumerate() {
            match self.publish_to(queue, vec![message]).await {
                Ok(()) => taken.push(position),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    tracing::error!(
                        queue,
                        error = failure::text(&error),
                        "the queue refuses a message"
                    );
                }
            }
        }
        Ok(taken)
    }
}

/// The first error of several steps, each of which is run.
#[derive(Default)]
struct FirstError(Option<Error>);

impl FirstError {
    /// What a step has done, nothing when it failed or another sweep is at it.
    fn keep<T: Default>(&mut self, step: &str, result: Result<Option<T>>) -> T {
        let done = result.unwrap_or_else(|error| {
            tracing::warn!(
                step,
                error = failure::text(&error),
                "a part of the sweep failed"
            );
            self.0.get_or_insert(error);
            None
        });
        done.unwrap_or_default()
    }
}

async fn is_any_worker_busy(conn: &mut PgConnection) -> Result<bool> {
    let states = [JobState::ConsolidationInProgress];
    for job in job::list_in_states(conn, None, &states).await? {
        if lease::live_count(conn, job.id).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn result(run: &FinishedRun) -> TaskEvent {
    TaskEvent {
        job_id: run.order.job,
        task_id: run.order.task,
        status: run.status,
        error: run.error.clone(),
        attempt: run.order.attempt,
        run_id: Some(run.run),
    }
}
