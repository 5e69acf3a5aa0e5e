use std::{fmt::Debug, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Delivery, Outcome, Result};

/// What is done with each message.
///
/// A handler may be called twice with the same message, and concurrently. One that panics counts as
/// [`Outcome::Retry`]. Every `Fn(Delivery) -> impl Future<Output = Outcome>` is a handler.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery. The future is dropped when the consumer stops and its grace is over.
    async fn handle(&self, delivery: Delivery) -> Outcome;
}

#[async_trait]
impl<F, R> Handler for F
where
    F: Fn(Delivery) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send,
{
    async fn handle(&self, delivery: Delivery) -> Outcome {
        self(delivery).await
    }
}

/// How a queue is consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumeOptions {
    /// Messages handled at once; 0 counts as 1.
    pub concurrency: usize,
    /// How long a message belongs to this consumer. Put off while its handler runs, so that this is only the time
    /// after which the messages of a killed process are delivered again.
    pub lease: Duration,
    /// How often the queue is looked at although nothing was announced.
    pub poll: Duration,
    /// How long messages that come while others are handled may wait for more of them, so that they are taken together, and
    /// those that were handled are removed together. Not where a queue brings its messages by itself.
    pub gather: Duration,
    /// How long running handlers may go on after the stop; then their messages are given back.
    pub grace: Duration,
    /// Queue that receives a copy of each message put aside, with the attributes of [`crate::dead_letter`].
    pub dead_letter_queue: Option<String>,
}

impl Default for ConsumeOptions {
    fn default() -> Self {
        Self {
            concurrency: 1,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(5),
            gather: Duration::ZERO,
            grace: Duration::from_secs(8),
            dead_letter_queue: None,
        }
    }
}

/// Delivers the messages of queues to handlers.
///
/// Held as `Arc<dyn Consumer>`.
#[async_trait]
pub trait Consumer: Debug + Send + Sync + 'static {
    /// Delivers messages until `stop` is cancelled and running handlers are finished or out of grace.
    ///
    /// A broker that is away for some time is waited for; an error is one that waiting does not cure.
    async fn consume(
        &self,
        queue: &str,
        options: &ConsumeOptions,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<()>;

    /// Number of messages that are due or being handled. Those put aside or waiting for a retry are not counted.
    async fn backlog(&self, queue: &str) -> Result<u64>;
}
