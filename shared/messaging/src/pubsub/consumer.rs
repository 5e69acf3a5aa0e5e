use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use google_cloud_pubsub::{
    client::Subscriber,
    model,
    subscriber::{MessageStream, handler::Handler as Settlement},
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{debug, error, warn};

use super::{
    Connection, PubSubPublisher,
    errors::{failed, rpc_error},
};
use crate::{
    ConsumeOptions, Consumer, Delivery, Handler, Message, Outcome, Publisher, Result, dead_letter,
};

/// First wait after a failure of the stream; doubled up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Longest time that a message is kept before it is given back for a retry.
const LONGEST_HOLD: Duration = Duration::from_mins(1);
/// Time for the last acknowledgements.
const FLUSH: Duration = Duration::from_secs(5);

/// Pulls from the subscriptions of one project, by streams.
///
/// A queue is a subscription. A message belongs to this process, which puts its deadline off without end, until its
/// handler answers; no more messages are fetched than are handled at once. A handler that asks for a retry later keeps
/// its place until then, for a minute at most, since a message that is given back may come again at once.
pub struct PubSubConsumer {
    project: String,
    client: Subscriber,
    publisher: PubSubPublisher,
}

impl PubSubConsumer {
    /// Connects. The subscriptions must exist when they are consumed.
    pub async fn connect(project: &str, connection: &Connection) -> Result<Self> {
        let mut builder = Subscriber::builder();
        if let Some((endpoint, credentials)) = connection.overrides() {
            builder = builder
                .with_endpoint(endpoint)
                .with_credentials(credentials);
        }
        let client = builder
            .build()
            .await
            .map_err(|source| failed("connect to Pub/Sub".into(), source))?;
        Ok(Self {
            project: project.to_owned(),
            client,
            publisher: PubSubPublisher::connect(project, connection).await?,
        })
    }

    fn stream(&self, subscription: &str, options: &ConsumeOptions) -> MessageStream {
        let concurrency = i64::try_from(options.concurrency.max(1)).unwrap_or(i64::MAX);
        self.client
            .subscribe(format!(
                "projects/{}/subscriptions/{subscription}",
                self.project
            ))
            .set_max_outstanding_messages(concurrency)
            .set_max_lease_extension(options.lease)
            .set_max_lease(Duration::MAX)
            .build()
    }

    /// Handles what a stream brings until the stop or its end, and what was begun to its end.
    async fn drain(&self, work: &Arc<Work>, stop: &CancellationToken) -> Result<()> {
        let stream = self.stream(&work.queue, &work.options);
        let shutdown = stream.shutdown_token();
        // a future of the stream that is dropped may take a message with it: it is never raced with anything
        let (sender, mut received) = mpsc::channel(1);
        let reader = AbortOnDropHandle::new(tokio::spawn(read(stream, sender)));
        let concurrency = work.options.concurrency.max(1);
        let mut tasks = JoinSet::new();
        let ended = loop {
            let is_full = tasks.len() >= concurrency;
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                next = received.recv(), if !is_full => match next {
                    None => break Ok(()),
                    Some(Ok((message, settlement))) => {
                        let (work, publisher) = (Arc::clone(work), self.publisher.clone());
                        let stop = stop.clone();
                        tasks.spawn(async move { work.handle(message, settlement, &publisher, &stop).await });
                    }
                    Some(Err(source)) => {
                        break Err(rpc_error(format!("pull from the subscription {:?}", work.queue), source));
                    }
                },
            }
        };
        drop((reader, received));
        let out_of_grace = async {
            stop.cancelled().await;
            sleep(work.options.grace).await;
        };
        tokio::select! {
            () = async { while tasks.join_next().await.is_some() {} } => {}
            () = out_of_grace => {}
        }
        // what is dropped is given back
        tasks.shutdown().await;
        if timeout(FLUSH, shutdown.shutdown()).await.is_err() {
            warn!(queue = %work.queue, "the last acknowledgements may be lost");
        }
        ended
    }
}

impl fmt::Debug for PubSubConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubConsumer")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Consumer for PubSubConsumer {
    async fn consume(
        &self,
        queue: &str,
        options: &ConsumeOptions,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<()> {
        let work = Arc::new(Work {
            queue: queue.to_owned(),
            options: options.clone(),
            handler,
        });
        let mut pause = PAUSE;
        while !stop.is_cancelled() {
            match self.drain(&work, &stop).await {
                Ok(()) => pause = PAUSE,
                Err(error) if error.is_retryable() => {
                    warn!(
                        queue,
                        error = &error as &dyn std::error::Error,
                        "cannot pull messages"
                    );
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
            stop.run_until_cancelled(sleep(pause)).await;
        }
        Ok(())
    }

    /// Pub/Sub tells its backlog as a metric of Cloud Monitoring only.
    async fn backlog(&self, queue: &str) -> Result<u64> {
        Err(failed(
            format!("count the subscription {queue:?}"),
            "Pub/Sub does not tell, its backlog is a metric of Cloud Monitoring",
        ))
    }
}

type Received = google_cloud_pubsub::Result<(model::Message, Settlement)>;

async fn read(mut stream: MessageStream, sender: mpsc::Sender<Received>) {
    while let Some(received) = stream.next().await {
        if sender.send(received).await.is_err() {
            return;
        }
    }
}

/// One call to consume.
struct Work {
    queue: String,
    options: ConsumeOptions,
    handler: Arc<dyn Handler>,
}

impl Work {
    async fn handle(
        &self,
        message: model::Message,
        settlement: Settlement,
        publisher: &PubSubPublisher,
        stop: &CancellationToken,
    ) {
        let delivery = Delivery {
            source: self.queue.clone(),
            message_id: message.message_id,
            delivery_count: settlement.delivery_attempt().map(i32::unsigned_abs),
            deadline: None,
            data: message.data,
            attributes: message.attributes.into_iter().collect(),
        };
        let handled = AssertUnwindSafe(self.handler.handle(delivery.clone()))
            .catch_unwind()
            .await;
        let outcome = handled.unwrap_or_else(|_| Outcome::retry("the handler panicked"));
        let message_id = &delivery.message_id;
        match outcome {
            Outcome::Ack => settlement.ack(),
            Outcome::Retry { after, reason, .. } => {
                debug!(queue = %self.queue, message_id, ?after, reason, "message will be delivered again");
                let hold = after.unwrap_or_default().min(LONGEST_HOLD);
                stop.run_until_cancelled(sleep(hold)).await;
                settlement.nack();
            }
            Outcome::DeadLetter { reason } => {
                error!(queue = %self.queue, message_id, reason, "message is put aside");
                match self.put_aside(delivery, &reason, publisher).await {
                    Ok(()) => settlement.ack(),
                    Err(error) => {
                        warn!(queue = %self.queue, error = &error as &dyn std::error::Error, "cannot put a message aside");
                        settlement.nack();
                    }
                }
            }
        }
    }

    /// Copies a message to the dead-letter topic, where there is one.
    async fn put_aside(
        &self,
        delivery: Delivery,
        reason: &str,
        publisher: &PubSubPublisher,
    ) -> Result<()> {
        let Some(topic) = &self.options.dead_letter_queue else {
            return Ok(());
        };
        let mut copy = Message::new(delivery.data);
        copy.attributes = delivery.attributes;
        let deliveries = delivery.delivery_count.unwrap_or(1);
        dead_letter::mark(&mut copy.attributes, &self.queue, deliveries, reason);
        publisher.publish(topic, vec![copy]).await
    }
}
