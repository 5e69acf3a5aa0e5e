//! What runs beside the requests.

use app::App;
use messaging::pusher::{Bearer, HttpPusher, PushOptions};
use messaging::{CancellationToken, ConsumeOptions, Consumer, Delivery};
use runtime::config::LiveTokens;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Events handled at the same time: those of one job wait for each other, or are handled together.
const EVENTS_AT_ONCE: usize = 16;
/// How long an event may wait for others while some are handled.
const GATHERED: Duration = Duration::from_millis(50);

/// Delivers the events of the embedded queue to this process, until `stop`.
///
/// # Errors
/// When the queue cannot be used, now and later.
pub async fn consume_events(
    app: App,
    consumer: Arc<dyn Consumer>,
    stop: CancellationToken,
) -> messaging::Result<()> {
    let queue = app.options().events_queue.clone();
    let options = ConsumeOptions {
        concurrency: EVENTS_AT_ONCE,
        gather: GATHERED,
        dead_letter_queue: Some(failed(&queue)),
        ..ConsumeOptions::default()
    };
    let handler = move |delivery: Delivery| {
        let app = app.clone();
        async move { app.consume_event(delivery).await }
    };
    consumer
        .consume(&queue, &options, Arc::new(handler), stop)
        .await
}

/// Handles the messages that a queue gave up, until `stop`.
///
/// # Errors
/// When the queue cannot be used, now and later.
pub async fn consume_dead_letters(
    app: App,
    queue: String,
    consumer: Arc<dyn Consumer>,
    stop: CancellationToken,
) -> messaging::Result<()> {
    let handler = move |delivery: Delivery| {
        let app = app.clone();
        async move { app.consume_dead_letter(delivery).await }
    };
    consumer
        .consume(
            &failed(&queue),
            &ConsumeOptions::default(),
            Arc::new(handler),
            stop,
        )
        .await
}

/// Queue of the messages that another one gave up.
fn failed(queue: &str) -> String {
    format!("{queue}-failed")
}

/// Where orders are pushed to.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Queue of orders.
    pub queue: String,
    /// Root of the consolidater; `/push` is added.
    pub url: String,
    /// Its push route asks for that of events.
    pub tokens: LiveTokens,
    /// Orders pushed at the same time.
    pub at_once: usize,
}

/// Pushes the orders of the embedded queue to a consolidater, until `stop`. The future ends before
/// that when the queue cannot be used, now and later.
///
/// # Errors
/// When the URL is none of HTTP.
pub fn push_orders(
    orders: &Orders,
    consumer: Arc<dyn Consumer>,
    stop: CancellationToken,
) -> messaging::Result<impl Future<Output = messaging::Result<()>> + use<>> {
    let tokens = orders.tokens.clone();
    let bearer = Bearer::by(move || tokens.get().event.clone());
    let endpoint = format!("{}/push", orders.url.trim_end_matches('/'));
    let pusher = Arc::new(HttpPusher::new(
        &endpoint,
        &PushOptions {
            bearer,
            ..PushOptions::default()
        },
    )?);
    let options = ConsumeOptions {
        concurrency: orders.at_once,
        dead_letter_queue: Some(failed(&orders.queue)),
        // the consolidater goes on alone, and answers when the order is pushed again
        grace: Duration::ZERO,
        ..ConsumeOptions::default()
    };
    let queue = orders.queue.clone();
    Ok(async move { consumer.consume(&queue, &options, pusher, stop).await })
}
