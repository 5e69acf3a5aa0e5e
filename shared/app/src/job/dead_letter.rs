//! Messages that a queue gave up.

use super::push::answer;
use super::{Handled, PushAnswer, failure};
use crate::failpoint::failpoint;
use crate::{App, Result};
use database::lease::{self, Acquisition, Order};
use domain::RunId;
use domain::job::{ConsolidationOrder, Message, TaskEvent, TaskStatus, parse_message};
use messaging::{Delivery, Outcome, dead_letter};
use std::collections::BTreeMap;
use std::time::Duration;

/// Name in the lease of an order that was given up.
const OWNER: &str = "dead-letter";
/// Time to record the end of an order that was given up.
const LEASE: Duration = Duration::from_secs(30);

impl App {
    /// Handles a message that the queue of events or of orders gave up, with its attributes. `delivery_count` is that of the
    /// queue of messages given up.
    ///
    /// The task of an order fails, unless a worker is busy with it or it is over: its job must not
    /// wait for ever. An event or a result gets one more try here: what follows from it is stored
    /// nowhere else. Whatever was handled before stays as it is.
    pub async fn receive_dead_letter(
        &self,
        data: &[u8],
        attributes: &BTreeMap<String, String>,
        delivery_count: Option<u32>,
    ) -> PushAnswer {
        let attribute = |name: &str| attributes.get(name).map_or("", String::as_str);
        let deliveries = attribute(dead_letter::DELIVERY_COUNT);
        let head = String::from_utf8_lossy(&data[..data.len().min(64)]).into_owned();
        tracing::error!(
            source = attribute(dead_letter::SOURCE),
            deliveries,
            reason = attribute(dead_letter::REASON),
            size = data.len(),
            head,
            "message was given up"
        );
        match parse_message(data) {
            Ok(Message::Order(order)) => {
                let deliveries = if deliveries.is_empty() {
                    "too many"
                } else {
                    deliveries
                };
                let error = match attribute(dead_letter::REASON) {
                    "" => format!("dead-lettered after {deliveries} deliveries"),
                    reason => format!("dead-lettered after {deliveries} deliveries: {reason}"),
                };
                answer(self.give_up(&order, &error).await, delivery_count)
            }
            Ok(event @ (Message::Job(_) | Message::Task(_))) => {
                self.handle_detached(event, delivery_count).await
            }
            Err(error) => {
                tracing::warn!(
                    error = failure::text(&error),
                    "a message that makes no sense is dropped"
                );
                PushAnswer::Done
            }
        }
    }

    /// [`App::receive_dead_letter`] for a consumer of a queue of messages given up.
    pub async fn consume_dead_letter(&self, delivery: Delivery) -> Outcome {
        self.receive_dead_letter(
            &delivery.data,
            &delivery.attributes,
            delivery.delivery_count,
        )
        .await
        .into()
    }

    /// Takes the lease as a worker would, so that none runs the order meanwhile.
    async fn give_up(&self, order: &ConsolidationOrder, error: &str) -> Result<Handled> {
        let key = Order {
            job: order.job_id,
            task: order.task_id,
            attempt: order.attempt,
        };
        let run = RunId::new();
        let mut connection = self.database().write().await?;
        match lease::acquire(&mut connection, &key, run, OWNER, LEASE).await? {
            Acquisition::Busy => return Ok(Handled::Busy),
            // a result that is not published yet is left to the sweeper
            Acquisition::Duplicate | Acquisition::Publish { .. } => return Ok(Handled::Duplicate),
            Acquisition::Run { .. } => {}
        }
        failpoint!("surrender.acquire.after");
        let status = TaskStatus::TaskFailed;
        lease::finish(&mut connection, order.task_id, run, status, error).await?;
        let event = TaskEvent {
            job_id: order.job_id,
            task_id: order.task_id,
            status,
            error: error.to_owned(),
            attempt: order.attempt,
            run_id: Some(run),
        };
        drop(connection);
        failpoint!("surrender.finish.after");
        let handled = self.handle_task_event(event).await?;
        failpoint!("surrender.mark.before");
        let mut connection = self.database().write().await?;
        lease::mark_published(&mut connection, order.task_id, run).await?;
        Ok(handled)
    }
}
