//! Orders that this program fetches itself.

use app::worker::Worker;
use axum::Router;
use axum::routing::get;
use messaging::{CancellationToken, ConsumeOptions, Consumer, Delivery};
use rpc::http;
use std::sync::Arc;
use std::time::Duration;

/// How long orders in work may go on to their end after the stop; then they are handed back.
const FINISH: Duration = Duration::from_secs(10);
/// How long handing them back may take.
const HAND_BACK: Duration = Duration::from_secs(10);

/// Carries out the orders of a queue, as many at once as the worker has places, until `stop`. Each belongs to this
/// process for `lease`, which is put off until the order ends.
///
/// # Errors
/// When the queue cannot be used, now and later.
pub async fn pull(
    worker: &Worker,
    consumer: Arc<dyn Consumer>,
    lease: Duration,
    stop: CancellationToken,
) -> messaging::Result<()> {
    let queue = worker.options().orders_queue.clone();
    let options = ConsumeOptions {
        concurrency: worker.options().max_concurrent_tasks.max(1),
        lease,
        grace: FINISH + HAND_BACK,
        dead_letter_queue: Some(format!("{queue}-failed")),
        ..ConsumeOptions::default()
    };
    let carrying_out = worker.clone();
    let handler = move |delivery: Delivery| {
        let worker = carrying_out.clone();
        async move { worker.consume_order(delivery).await }
    };
    let consuming = consumer.consume(&queue, &options, Arc::new(handler), stop.clone());
    let handing_back = async {
        stop.cancelled().await;
        tokio::time::sleep(FINISH).await;
        worker.shut_down().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = consuming => ended,
        () = handing_back => Ok(()),
    }
}

/// What an autoscaler asks whom to end first: `/termination_cost` is the age of the order in work in milliseconds, 0
/// without one. Any other path is a sign of life.
pub fn pull_router(worker: &Worker) -> Router {
    let worker = worker.clone();
    let cost = async move || {
        let age = worker.age_of_work().unwrap_or_default();
        age.as_millis().to_string()
    };
    Router::new()
        .route("/termination_cost", get(cost))
        .fallback(http::anything_else)
}
