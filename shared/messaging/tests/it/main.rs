//! The conformance suite on each backend, and what is particular to one.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod database;
mod exchange;
mod pgqueue;
mod pubsub;
mod pull;
mod pusher;

use std::{sync::Arc, time::Duration};

use messaging::{
    MemoryQueue,
    conformance::{self, Capabilities},
};

const EMBEDDED: Capabilities = Capabilities {
    delivery_count: true,
    keeps_ids: true,
    latency: Duration::from_millis(50),
    embedded: true,
    backlog: true,
    fair: true,
};

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    let queue = Arc::new(MemoryQueue::new());
    conformance::run(queue.clone(), queue, EMBEDDED).await;
}
