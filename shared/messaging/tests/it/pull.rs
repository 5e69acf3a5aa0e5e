//! Pulling from subscriptions of the Pub/Sub emulator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::{
    client::{SubscriptionAdmin, TopicAdmin},
    model::Subscription,
};
use messaging::{
    CancellationToken, ConsumeOptions, Consumer, Delivery, Handler, Message, Outcome, Publisher,
    Result, conformance,
    pubsub::{Connection, PubSubConsumer, PubSubPublisher},
};
use tokio::time::{sleep, timeout};

use crate::pubsub::{emulator, project};

/// Queues that are made when they are first used: a topic, and a subscription of the same name.
#[derive(Debug)]
struct Queues {
    project: String,
    topics: TopicAdmin,
    subscriptions: SubscriptionAdmin,
    publisher: PubSubPublisher,
    consumer: PubSubConsumer,
}

impl Queues {
    async fn open(connection: &Connection) -> Arc<Self> {
        let Connection::Emulator(host) = connection else {
            panic!("emulator expected")
        };
        let (endpoint, project) = (format!("http://{host}"), project());
        let nobody = || anonymous::Builder::new().build();
        let publisher = PubSubPublisher::connect(&project, connection)
            .await
            .unwrap();
        let consumer = PubSubConsumer::connect(&project, connection).await.unwrap();
        let topics = TopicAdmin::builder()
            .with_endpoint(&endpoint)
            .with_credentials(nobody());
        let subscriptions = SubscriptionAdmin::builder()
            .with_endpoint(&endpoint)
            .with_credentials(nobody());
        Arc::new(Self {
            topics: topics.build().await.unwrap(),
            subscriptions: subscriptions.build().await.unwrap(),
            publisher,
            consumer,
            project,
        })
    }

    async fn make(&self, queue: &str) {
        let topic = format!("projects/{}/topics/{queue}", self.project);
        // both may be there already
        let _ = self.topics.create_topic().set_name(&topic).send().await;
        let subscription = Subscription::new()
            .set_name(format!("projects/{}/subscriptions/{queue}", self.project))
            .set_topic(topic)
            .set_ack_deadline_seconds(10);
        let request = self.subscriptions.create_subscription();
        let _ = request.with_request(subscription).send().await;
    }
}

#[async_trait]
impl Publisher for Queues {
    async fn publish(&self, queue: &str, messages: Vec<Message>) -> Result<()> {
        self.make(queue).await;
        self.publisher.publish(queue, messages).await
    }
}

#[async_trait]
impl Consumer for Queues {
    async fn consume(
        &self,
        queue: &str,
        options: &ConsumeOptions,
        handler: Arc<dyn Handler>,
        stop: CancellationToken,
    ) -> Result<()> {
        self.make(queue).await;
        if let Some(dead_letters) = &options.dead_letter_queue {
            self.make(dead_letters).await;
        }
        self.consumer.consume(queue, options, handler, stop).await
    }

    async fn backlog(&self, queue: &str) -> Result<u64> {
        self.consumer.backlog(queue).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pulling_from_pubsub_keeps_the_contract() {
    let Some(connection) = emulator() else { return };
    let queues = Queues::open(&connection).await;
    let capabilities = conformance::Capabilities {
        delivery_count: false,
        keeps_ids: false,
        latency: Duration::from_secs(1),
        embedded: true,
        backlog: false,
        fair: false,
    };
    conformance::run(queues.clone(), queues, capabilities).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m23_a_message_whose_handler_outlives_its_deadline_is_delivered_once() {
    let Some(connection) = emulator() else { return };
    let queues = Queues::open(&connection).await;
    queues
        .publish("long", vec![Message::new("x")])
        .await
        .unwrap();
    let (deliveries, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let handler = {
        let deliveries = Arc::clone(&deliveries);
        move |_: Delivery| {
            deliveries.fetch_add(1, Ordering::Relaxed);
            async {
                // the deadline is 10 s, the least there is
                sleep(Duration::from_secs(25)).await;
                Outcome::Ack
            }
        }
    };
    let options = ConsumeOptions {
        concurrency: 2,
        lease: Duration::from_secs(10),
        ..ConsumeOptions::default()
    };
    let consuming = tokio::spawn({
        let (queues, stop) = (Arc::clone(&queues), stop.clone());
        async move {
            queues
                .consume("long", &options, Arc::new(handler), stop)
                .await
        }
    });
    sleep(Duration::from_secs(40)).await;
    stop.cancel();
    consuming.await.unwrap().unwrap();
    assert_eq!(deliveries.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_subscription_is_a_failure_that_stays() {
    let Some(connection) = emulator() else { return };
    let consumer = PubSubConsumer::connect(&project(), &connection)
        .await
        .unwrap();
    let handler = Arc::new(|_: Delivery| async { Outcome::Ack });
    let options = ConsumeOptions::default();
    let consumed = consumer.consume("nowhere", &options, handler, CancellationToken::new());
    let ended = timeout(Duration::from_secs(20), consumed).await.unwrap();
    let error = ended.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert_eq!(
        error.to_string(),
        "cannot pull from the subscription \"nowhere\""
    );
}
