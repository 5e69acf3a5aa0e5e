//! From a delivered order to its outcome.

use super::run::{Ended, Left, Run};
use super::{Outcome, Worker};
use crate::failpoint::failpoint;
use crate::job::failure;
use crate::{Error, Result};
use database::lease::{self, Acquisition, Order};
use database::noted_file;
use domain::RunId;
use domain::job::{ConsolidationOrder, Message, TaskEvent, TaskStatus, parse_message};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

/// Pause between two looks at an order that runs elsewhere, while its delivery is held.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Worker {
    /// Carries out an order, if nobody else does or did.
    ///
    /// The work goes on when the caller is dropped.
    pub async fn process(&self, order: &[u8]) -> Outcome {
        let order = match parse_message(order) {
            Ok(Message::Order(order)) => *order,
            Ok(other @ (Message::Job(_) | Message::Task(_))) => {
                return Outcome::Poison(format!(
                    "a {}, expected an order of consolidation",
                    other.type_name()
                ));
            }
            Err(error) => return Outcome::Poison(failure::text(&error)),
        };
        if let Err(refused) = self.parts.options.files.check_target(&order) {
            return Outcome::Poison(refused.to_string());
        }
        if self.parts.stopping.is_cancelled() {
            return Outcome::RetryLater("the worker stops".to_owned());
        }
        let Some(place) = self.place().await else {
            return Outcome::Busy;
        };
        let span = tracing::info_span!("order", job.id = %order.job_id, task.id = %order.task_id, attempt = order.attempt);
        let worker = self.clone();
        let work = async move {
            let in_work = worker.parts.running.begin();
            let outcome = worker.carry_out(order).await;
            drop((in_work, place));
            outcome
        };
        match tokio::spawn(work.instrument(span)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::warn!(
                    error = failure::text(&error),
                    "order is to be delivered again"
                );
                Outcome::RetryLater(failure::text(&error))
            }
            Err(panic) => Outcome::RetryLater(format!("the run of an order: {panic}")),
        }
    }

    /// A place among the orders in work, if there is one in time.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let places = std::sync::Arc::clone(&self.parts.places);
        if let Ok(place) = std::sync::Arc::clone(&places).try_acquire_owned() {
            return Some(place);
        }
        let hold = self.parts.options.busy_hold;
        tokio::time::timeout(hold, places.acquire_owned())
            .await
            .ok()?
            .ok()
    }

    async fn carry_out(&self, order: ConsolidationOrder) -> Result<Outcome> {
        let run = RunId::new();
        failpoint!("order.acquire.before");
        let acquired = self.acquire(&order, run).await?;
        failpoint!("order.acquire.after");
        match acquired {
            Acquisition::Duplicate => {
                tracing::info!("order is done or needed no more");
                Ok(Outcome::Duplicate)
            }
            Acquisition::Busy => Ok(Outcome::Busy),
            Acquisition::Publish { run, status, error } => {
                self.publish(&order, run, status, error).await?;
                Ok(Outcome::Done)
            }
            Acquisition::Run {
                starts,
                cancel_requested,
            } => {
                let retries = self.parts.options.retry_count;
                let Left {
                    ended,
                    part_is_gone,
                } = if starts > retries.saturating_add(1) {
                    Ended::Finished(TaskStatus::TaskFailed, "too many tries".to_owned()).into()
                } else if cancel_requested {
                    let reason = "cancelled by the user".to_owned();
                    Ended::Finished(TaskStatus::TaskCancelled, reason).into()
                } else {
                    tracing::info!(starts, records = order.records.len(), uri = %order.container.uri, "order starts");
                    Run::new(self.clone(), order.clone(), run).perform().await
                };
                let ended = match ended {
                    Ended::FailedForNow(error) if starts > retries => {
                        Ended::Finished(TaskStatus::TaskFailed, error)
                    }
                    Ended::FailedForNow(error) => Ended::Unfinished(error),
                    Ended::Finished(..) | Ended::Unfinished(_) | Ended::Interrupted(_) => ended,
                };
                let left = Left {
                    ended,
                    part_is_gone,
                };
                self.conclude(&order, run, left).await
            }
        }
    }

    /// Takes the lease; an order that runs elsewhere is held for some time.
    async fn acquire(&self, order: &ConsolidationOrder, run: RunId) -> Result<Acquisition> {
        let options = &self.parts.options;
        let until = Instant::now() + options.busy_hold;
        let key = Order {
            job: order.job_id,
            task: order.task_id,
            attempt: order.attempt,
        };
        loop {
            let mut connection = self.parts.database.write().await?;
            let acquired =
                lease::acquire(&mut connection, &key, run, &options.owner, options.lease).await?;
            drop(connection);
            if acquired != Acquisition::Busy
                || Instant::now() >= until
                || self.parts.stopping.is_cancelled()
            {
                return Ok(acquired);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Records the end of a run, then publishes it. A crash between the two is healed by the next
    /// delivery.
    async fn conclude(
        &self,
        order: &ConsolidationOrder,
        run: RunId,
        left: Left,
    ) -> Result<Outcome> {
        let (reason, counts) = match left.ended {
            Ended::Finished(status, error) => {
                failpoint!("order.finish.before");
                let mut connection = self.parts.database.write().await?;
                let task = order.task_id;
                let recorded = if left.part_is_gone {
                    lease::finish_without_part(&mut connection, task, run, status, &error).await?
                } else {
                    lease::finish(&mut connection, task, run, status, &error).await?
                };
                drop(connection);
                failpoint!("order.forget.after");
                if !recorded {
                    return Ok(Outcome::RetryLater("the lease is lost".to_owned()));
                }
                failpoint!("order.finish.after");
                tracing::info!(%status, error, "order ends");
                self.publish(order, run, status, error).await?;
                return Ok(Outcome::Done);
            }
            Ended::Unfinished(reason) | Ended::FailedForNow(reason) => (reason, true),
            Ended::Interrupted(reason) => (reason, false),
        };
        failpoint!("order.release.before");
        let mut connection = self.parts.database.write().await?;
        lease::release(&mut connection, order.task_id, run, counts).await?;
        if left.part_is_gone {
            noted_file::forget_part(&mut connection, run).await?;
        }
        failpoint!("order.release.after");
        tracing::warn!(reason, "order is given back");
        Ok(Outcome::RetryLater(reason))
    }

    async fn publish(
        &self,
        order: &ConsolidationOrder,
        run: RunId,
        status: TaskStatus,
        error: String,
    ) -> Result<()> {
        let event = TaskEvent {
            job_id: order.job_id,
            task_id: order.task_id,
            status,
            error,
            attempt: order.attempt,
            run_id: Some(run),
        };
        let message = messaging::Message::new(event.to_json());
        let queue = &self.parts.options.events_queue;
        let published = self.parts.publisher.publish(queue, vec![message]).await;
        published.map_err(|error| Error::unavailable(format!("the queue {queue}"), error))?;
        failpoint!("order.publish.after");
        let mut connection = self.parts.database.write().await?;
        lease::mark_published(&mut connection, order.task_id, run).await?;
        failpoint!("order.mark.after");
        Ok(())
    }
}
