//! Delivered messages, whatever brings them.

use super::{Handled, failure};
use crate::{App, Error, Result};
use domain::job::{Message, parse_message};
use messaging::{Delivery, Outcome, dead_letter};
use std::time::Duration;

/// What becomes of a delivered message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushAnswer {
    /// Nothing is left to do: 204.
    Done,
    /// Deliver it again: 503.
    Retry {
        /// When; informative.
        after: Duration,
        /// Why, for logs.
        reason: String,
    },
    /// It can never be handled, and the queue puts it aside: 400.
    Refused(String),
    /// A fault of the service; the queue keeps the message: 500.
    Failed(String),
}

impl From<PushAnswer> for Outcome {
    fn from(answer: PushAnswer) -> Self {
        match answer {
            PushAnswer::Done => Self::Ack,
            PushAnswer::Retry { after, reason } => Self::retry_after(after, reason),
            PushAnswer::Refused(reason) => Self::dead_letter(reason),
            PushAnswer::Failed(reason) => Self::retry(reason),
        }
    }
}

/// Shortest and longest wait before a message that came too early, or cannot be handled for now, is delivered again.
const SOON: Duration = Duration::from_secs(2);
const LATEST: Duration = Duration::from_secs(30);

/// Wait before the next delivery of a message that was delivered so many times: 2 s, 4 s … 30 s.
fn back_off(delivery_count: Option<u32>) -> Duration {
    let doublings = delivery_count.unwrap_or(1).saturating_sub(1).min(10);
    (SOON * (1 << doublings)).min(LATEST)
}

/// Queue of the messages of another one that can never be handled.
pub(super) fn failed_queue(queue: &str) -> String {
    format!("{queue}-failed")
}

impl App {
    /// Handles a message of the queue of events. `delivery_count` is absent where the queue does
    /// not count: then it has no place for messages that cannot be handled, and they are copied to
    /// the queue of failed events here.
    ///
    /// The work goes on when the caller is dropped: a broker that hangs up cancels nothing.
    pub async fn receive(&self, data: &[u8], delivery_count: Option<u32>) -> PushAnswer {
        let message = match parse_message(data) {
            Ok(message @ (Message::Job(_) | Message::Task(_))) => message,
            Ok(Message::Order(_)) => {
                let reason = "an order of consolidation, expected an event".to_owned();
                return self.refuse(data, delivery_count, reason).await;
            }
            Err(error) => {
                let reason = failure::text(&error);
                return self.refuse(data, delivery_count, reason).await;
            }
        };
        self.handle_detached(message, delivery_count).await
    }

    /// Handles an event to its end, whether or not the caller waits for it.
    pub(super) async fn handle_detached(
        &self,
        message: Message,
        delivery_count: Option<u32>,
    ) -> PushAnswer {
        let app = self.clone();
        let span = tracing::Span::current();
        let work = tokio::spawn(tracing::Instrument::instrument(
            async move { app.handle(message).await },
            span,
        ));
        match work.await {
            Ok(handled) => answer(handled, delivery_count),
            Err(panic) => PushAnswer::Failed(format!("the handler of an event: {panic}")),
        }
    }

    /// [`App::receive`] for a consumer of the queue of events.
    pub async fn consume_event(&self, delivery: Delivery) -> Outcome {
        self.receive(&delivery.data, delivery.delivery_count)
            .await
            .into()
    }

    async fn handle(&self, message: Message) -> Result<Handled> {
        match message {
            Message::Job(event) => self.handle_job_event(event).await,
            Message::Task(event) => self.handle_task_event(event).await,
            Message::Order(_) => Ok(Handled::Stale("an order of consolidation".to_owned())),
        }
    }

    async fn refuse(&self, data: &[u8], delivery_count: Option<u32>, reason: String) -> PushAnswer {
        let queue = &self.options().events_queue;
        refuse(
            self.publisher().as_ref(),
            queue,
            data,
            delivery_count,
            reason,
        )
        .await
    }
}

/// Puts a message aside that can never be handled.
pub(crate) async fn refuse(
    publisher: &dyn messaging::Publisher,
    queue: &str,
    data: &[u8],
    delivery_count: Option<u32>,
    reason: String,
) -> PushAnswer {
    let head = String::from_utf8_lossy(&data[..data.len().min(64)]).into_owned();
    tracing::warn!(queue, size = data.len(), head, reason, "message is refused");
    if delivery_count.is_some() {
        return PushAnswer::Refused(reason);
    }
    let copy = messaging::Message::new(data.to_vec()).with_attribute(dead_letter::REASON, &reason);
    match publisher.publish(&failed_queue(queue), vec![copy]).await {
        Ok(()) => PushAnswer::Done,
        Err(error) => PushAnswer::Retry {
            after: back_off(delivery_count),
            reason: format!("a message that cannot be handled is not put aside: {error}"),
        },
    }
}

pub(super) fn answer(handled: Result<Handled>, delivery_count: Option<u32>) -> PushAnswer {
    match handled {
        Ok(Handled::Done | Handled::Duplicate | Handled::Stale(_)) => PushAnswer::Done,
        Ok(Handled::Busy) => PushAnswer::Retry {
            after: SOON,
            reason: "the entry action of the job is running".to_owned(),
        },
        Err(error) if error.is_retryable() => {
            tracing::warn!(
                error = failure::text(&error),
                "event is not handled for now"
            );
            PushAnswer::Retry {
                after: back_off(delivery_count),
                reason: failure::text(&error),
            }
        }
        // what does not exist any more needs no event
        Err(Error::Domain(error @ domain::Error::NotFound { .. })) => {
            tracing::info!(%error, "event is stale");
            PushAnswer::Done
        }
        Err(error) => {
            tracing::error!(error = failure::text(&error), "event failed");
            PushAnswer::Failed(failure::text(&error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::back_off;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let counts = [None, Some(0), Some(1), Some(2), Some(4), Some(5), Some(100)];
        let waits = counts.map(|count| back_off(count).as_secs());
        assert_eq!(waits, [2, 2, 2, 4, 16, 30, 30]);
    }
}
