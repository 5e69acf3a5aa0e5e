//! What every queue must do: one suite, run against each backend.

mod helpers;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use self::helpers::{
    Running, Seen, add, begun_and_done, eventually, queue_name, raise, recorder, slow,
};
use crate::{
    CancellationToken, ConsumeOptions, Consumer, Delivery, Handler, Message, Outcome, Publisher,
    dead_letter,
};

/// What a backend is able to do beyond the contract. What it lacks is declared here, not left out quietly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Deliveries are counted, from 1.
    pub delivery_count: bool,
    /// The id of the publisher is that of the delivery.
    pub keeps_ids: bool,
    /// A message published to an idle consumer is handled within this time.
    pub latency: Duration,
    /// Deliveries follow the time asked for by [`Outcome::Retry`], and messages put aside are copied to the
    /// dead-letter queue by the consumer itself.
    pub embedded: bool,
    /// The backlog is told.
    pub backlog: bool,
    /// Messages go to consumers that run and have room. The emulator of Pub/Sub gives all that there are to one, and
    /// goes on giving to one that stopped.
    pub fair: bool,
}

/// Runs the suite on queues with random names.
///
/// # Panics
/// When the queue breaks the contract.
pub async fn run(
    publisher: Arc<dyn Publisher>,
    consumer: Arc<dyn Consumer>,
    capabilities: Capabilities,
) {
    let suite = Suite {
        publisher,
        consumer,
        capabilities,
    };
    suite
        .what_is_published_is_delivered_once_and_removed()
        .await;
    suite.an_idle_consumer_starts_at_once().await;
    suite
        .messages_are_handled_at_once_but_not_more_than_allowed()
        .await;
    suite.a_retried_message_comes_again().await;
    suite.a_panic_is_a_retry_and_harms_no_other_message().await;
    suite
        .a_poisoned_message_is_put_aside_with_its_reason()
        .await;
    suite.a_slow_handler_keeps_its_message().await;
    suite.two_consumers_share_the_work().await;
    suite.a_stop_lets_handlers_finish_within_their_grace().await;
    suite.queues_do_not_mix().await;
}

/// Time that is ample for anything that must happen.
const AMPLE: Duration = Duration::from_secs(10);

struct Suite {
    publisher: Arc<dyn Publisher>,
    consumer: Arc<dyn Consumer>,
    capabilities: Capabilities,
}

impl Suite {
    fn start(&self, queue: &str, options: ConsumeOptions, handler: impl Handler) -> Running {
        let (consumer, queue) = (Arc::clone(&self.consumer), queue.to_owned());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            consumer
                .consume(&queue, &options, Arc::new(handler), stopped)
                .await
        });
        Running { stop, task }
    }

    /// A consumer that acknowledges everything.
    fn collect(&self, queue: &str) -> (Seen, Running) {
        let seen = Seen::default();
        let options = ConsumeOptions {
            concurrency: 8,
            ..ConsumeOptions::default()
        };
        let running = self.start(queue, options, recorder(&seen, |_| Outcome::Ack));
        (seen, running)
    }

    async fn publish(&self, queue: &str, texts: &[&str]) {
        let messages = texts
            .iter()
            .map(|text| Message::new((*text).to_owned()))
            .collect();
        self.publisher
            .publish(queue, messages)
            .await
            .expect("publish succeeds");
    }

    async fn backlog(&self, queue: &str) -> u64 {
        self.consumer
            .backlog(queue)
            .await
            .expect("backlog is known")
    }

    async fn assert_backlog(&self, queue: &str, expected: u64, why: &str) {
        if self.capabilities.backlog {
            assert_eq!(self.backlog(queue).await, expected, "{why}");
        } else {
            let told = self.consumer.backlog(queue).await;
            told.expect_err("a backlog that is told is declared");
        }
    }

    async fn emptied(&self, queue: &str) {
        if self.capabilities.backlog {
            eventually(|| async { self.backlog(queue).await == 0 }).await;
        } else {
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn what_is_published_is_delivered_once_and_removed(&self) {
        let queue = queue_name();
        self.publisher
            .publish(&queue, Vec::new())
            .await
            .expect("nothing is published easily");
        let mut messages: Vec<_> = (0..100_u8).map(|i| Message::new(vec![i, 0, 255])).collect();
        messages.push(
            Message::new("")
                .with_attribute("näme", "välue\n")
                .with_attribute("empty", ""),
        );
        self.publisher
            .publish(&queue, messages.clone())
            .await
            .expect("publish succeeds");
        self.assert_backlog(&queue, 101, "all are due").await;

        let (seen, running) = self.collect(&queue);
        seen.wait_for(101).await;
        self.emptied(&queue).await;
        running.stop().await;
        let key = |data: &[u8], attributes: &BTreeMap<String, String>| {
            (data.to_vec(), attributes.clone())
        };
        let mut published: Vec<_> = messages
            .iter()
            .map(|m| key(&m.data, &m.attributes))
            .collect();
        let mut delivered: Vec<_> = seen
            .all()
            .iter()
            .map(|d| key(&d.data, &d.attributes))
            .collect();
        published.sort();
        delivered.sort();
        assert_eq!(delivered, published, "every message once, as it was");
        let first = self.capabilities.delivery_count.then_some(1);
        assert!(
            seen.all()
                .iter()
                .all(|delivery| delivery.delivery_count == first && delivery.source == queue)
        );
        if self.capabilities.keeps_ids {
            let ids: Vec<_> = messages
                .iter()
                .map(|message| message.id.to_string())
                .collect();
            assert!(
                seen.all()
                    .iter()
                    .all(|delivery| ids.contains(&delivery.message_id))
            );
        }
    }

    async fn an_idle_consumer_starts_at_once(&self) {
        let queue = queue_name();
        let (seen, running) = self.collect(&queue);
        self.publish(&queue, &["warm-up"]).await;
        seen.wait_for(1).await;
        let mut best = Duration::MAX;
        for count in 2..7 {
            sleep(Duration::from_millis(100)).await;
            let published = Instant::now();
            self.publish(&queue, &["idle"]).await;
            while seen.all().len() < count {
                assert!(
                    published.elapsed() < AMPLE,
                    "message {count} was not delivered"
                );
                sleep(Duration::from_millis(1)).await;
            }
            best = best.min(published.elapsed());
        }
        running.stop().await;
        // the best of some, since a busy machine may hold any single one back
        assert!(
            best <= self.capabilities.latency,
            "an idle consumer took {best:?}"
        );
    }

    async fn messages_are_handled_at_once_but_not_more_than_allowed(&self) {
        let queue = queue_name();
        let (now, most) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let seen = Seen::default();
        let handler = {
            let (now, most, seen) = (Arc::clone(&now), Arc::clone(&most), seen.clone());
            move |delivery| {
                let (now, most, seen) = (Arc::clone(&now), Arc::clone(&most), seen.clone());
                async move {
                    let running = add(&now, 1);
                    raise(&most, running);
                    sleep(Duration::from_millis(50)).await;
                    add(&now, -1);
                    seen.add(delivery);
                    Outcome::Ack
                }
            }
        };
        self.publish(&queue, &["x"; 12]).await;
        let running = self.start(
            &queue,
            ConsumeOptions {
                concurrency: 4,
                ..ConsumeOptions::default()
            },
            handler,
        );
        seen.wait_for(12).await;
        running.stop().await;
        assert_eq!(*most.lock().expect("not poisoned"), 4);
    }

    async fn a_retried_message_comes_again(&self) {
        let queue = queue_name();
        let seen = Seen::default();
        let wait = Duration::from_millis(200);
        let started = Instant::now();
        self.publish(&queue, &["again"]).await;
        let handler = recorder(&seen, move |deliveries| match deliveries {
            1 | 2 => Outcome::retry_after(wait, "busy"),
            _ => Outcome::Ack,
        });
        let running = self.start(&queue, ConsumeOptions::default(), handler);
        seen.wait_for(3).await;
        self.emptied(&queue).await;
        running.stop().await;
        assert!(
            !self.capabilities.embedded || started.elapsed() >= 2 * wait,
            "the waits are kept"
        );
        let counts: Vec<_> = seen
            .all()
            .iter()
            .map(|delivery| delivery.delivery_count)
            .collect();
        if self.capabilities.delivery_count {
            assert_eq!(counts, [Some(1), Some(2), Some(3)]);
        }
    }

    async fn a_panic_is_a_retry_and_harms_no_other_message(&self) {
        let queue = queue_name();
        let seen = Seen::default();
        let handler = {
            let seen = seen.clone();
            move |delivery: Delivery| {
                assert!(delivery.data != "bomb", "this panic is part of the test");
                let seen = seen.clone();
                async move {
                    seen.add(delivery);
                    Outcome::Ack
                }
            }
        };
        let running = self.start(&queue, ConsumeOptions::default(), handler);
        self.publish(&queue, &["bomb"]).await;
        self.publish(&queue, &["harmless"]).await;
        seen.wait_for(1).await;
        running.stop().await;
        assert_eq!(seen.texts(), ["harmless"]);
    }

    async fn a_poisoned_message_is_put_aside_with_its_reason(&self) {
        let (queue, failed) = (queue_name(), queue_name());
        let seen = Seen::default();
        let options = ConsumeOptions {
            dead_letter_queue: Some(failed.clone()),
            ..ConsumeOptions::default()
        };
        let handler = recorder(&seen, |_| Outcome::dead_letter("not an order \0"));
        let message = Message::new("poison").with_attribute("kept", "yes");
        self.publisher
            .publish(&queue, vec![message])
            .await
            .expect("publish succeeds");
        let running = self.start(&queue, options, handler);
        seen.wait_for(1).await;
        self.emptied(&queue).await;
        if self.capabilities.embedded {
            let (copies, collecting) = self.collect(&failed);
            copies.wait_for(1).await;
            collecting.stop().await;
            let copy = copies.all().remove(0);
            let attribute = |name: &str| {
                copy.attributes
                    .get(name)
                    .map(|text| text.trim_end_matches(['\0', ' ']))
            };
            assert_eq!(copy.data, "poison");
            assert_eq!(attribute("kept"), Some("yes"));
            assert_eq!(attribute(dead_letter::SOURCE), Some(queue.as_str()));
            assert_eq!(attribute(dead_letter::DELIVERY_COUNT), Some("1"));
            assert_eq!(attribute(dead_letter::REASON), Some("not an order"));
        }
        running.stop().await;
        assert_eq!(seen.texts(), ["poison"], "not delivered again");
    }

    async fn a_slow_handler_keeps_its_message(&self) {
        let queue = queue_name();
        let seen = Seen::default();
        let handler = slow(&seen, Duration::from_millis(1500));
        let options = || ConsumeOptions {
            lease: Duration::from_millis(500),
            ..ConsumeOptions::default()
        };
        self.publish(&queue, &["slow"]).await;
        let running = [
            self.start(&queue, options(), handler.clone()),
            self.start(&queue, options(), handler),
        ];
        sleep(Duration::from_secs(1)).await;
        self.assert_backlog(&queue, 1, "what is being handled counts")
            .await;
        seen.wait_for(1).await;
        self.emptied(&queue).await;
        for running in running {
            running.stop().await;
        }
        assert_eq!(
            seen.texts(),
            ["slow"],
            "handled once although it outlived its lease"
        );
    }

    async fn two_consumers_share_the_work(&self) {
        let queue = queue_name();
        let (first, second) = (Seen::default(), Seen::default());
        let handlers = [&first, &second].map(|seen| slow(seen, Duration::from_millis(50)));
        let running =
            handlers.map(|handler| self.start(&queue, ConsumeOptions::default(), handler));
        let texts: Vec<_> = (10..30).map(|i| i.to_string()).collect();
        self.publish(
            &queue,
            &texts.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
        eventually(|| async { first.all().len() + second.all().len() >= 20 }).await;
        for running in running {
            running.stop().await;
        }
        let mut handled = [first.texts(), second.texts()].concat();
        handled.sort();
        assert_eq!(handled, texts, "every message once");
        assert!(
            !self.capabilities.fair || (!first.all().is_empty() && !second.all().is_empty()),
            "both have worked"
        );
    }

    async fn a_stop_lets_handlers_finish_within_their_grace(&self) {
        let queue = queue_name();
        let (begun, seen) = (Seen::default(), Seen::default());
        self.publish(&queue, &["patient"]).await;
        let patient = begun_and_done(&begun, &seen, Duration::from_millis(300));
        let running = self.start(&queue, ConsumeOptions::default(), patient);
        begun.wait_for(1).await;
        running.stop().await;
        assert_eq!(seen.texts(), ["patient"]);
        self.assert_backlog(&queue, 0, "it is done").await;

        let queue = queue_name();
        let endless = begun_and_done(&begun, &seen, Duration::from_hours(1));
        let options = ConsumeOptions {
            grace: Duration::from_millis(100),
            ..ConsumeOptions::default()
        };
        self.publish(&queue, &["endless"]).await;
        let running = self.start(&queue, options, endless);
        begun.wait_for(2).await;
        running.stop().await;
        if !self.capabilities.fair {
            return;
        }
        let (after, running) = self.collect(&queue);
        let restarted = Instant::now();
        after.wait_for(1).await;
        running.stop().await;
        let limit = ConsumeOptions::default().poll;
        assert!(
            restarted.elapsed() < limit,
            "a message given back does not wait for the end of its lease"
        );
    }

    async fn queues_do_not_mix(&self) {
        let queues = [queue_name(), queue_name()];
        self.publish(&queues[0], &["first"]).await;
        self.publish(&queues[1], &["second"]).await;
        let (seen, running) = self.collect(&queues[1]);
        seen.wait_for(1).await;
        running.stop().await;
        assert_eq!(seen.texts(), ["second"]);
        self.assert_backlog(&queues[0], 1, "nobody consumes it")
            .await;
        self.assert_backlog(&queues[1], 0, "it is done").await;
    }
}
