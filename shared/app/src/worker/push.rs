//! Delivered orders, whatever brings them.

use super::{Outcome, Worker};
use crate::job::{PushAnswer, refuse};
use messaging::Delivery;
use std::time::Duration;

/// Wait before an order is delivered again that is in work elsewhere: a lease may have to run out.
const BUSY: Duration = Duration::from_secs(10);
/// Wait before an order is delivered again that failed for a time.
const LATER: Duration = Duration::from_secs(5);

impl Worker {
    /// Handles a message of the queue of orders. `delivery_count` is absent where the queue does not
    /// count: then it has no place for messages that cannot be handled, and they are copied to the
    /// queue of failed orders here.
    ///
    /// The work goes on when the caller is dropped: a broker that hangs up cancels nothing.
    pub async fn receive(&self, data: &[u8], delivery_count: Option<u32>) -> PushAnswer {
        match self.process(data).await {
            Outcome::Done | Outcome::Duplicate => PushAnswer::Done,
            Outcome::Busy => PushAnswer::Retry {
                after: BUSY,
                reason: "busy".to_owned(),
            },
            Outcome::RetryLater(reason) => PushAnswer::Retry {
                after: LATER,
                reason,
            },
            Outcome::Poison(reason) => {
                let publisher = self.parts.publisher.as_ref();
                let queue = &self.parts.options.orders_queue;
                refuse(publisher, queue, data, delivery_count, reason).await
            }
        }
    }

    /// [`Worker::receive`] for a consumer of the queue of orders.
    pub async fn consume_order(&self, delivery: Delivery) -> messaging::Outcome {
        self.receive(&delivery.data, delivery.delivery_count)
            .await
            .into()
    }
}
