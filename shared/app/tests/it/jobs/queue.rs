//! Jobs whose messages a queue delivers.

use super::failing::half_broken;
use super::worker::order;
use crate::world::{EVENTS, ORDERS, Scene, World};
use app::App;
use app::worker::Worker;
use domain::job::JobState;
use messaging::{
    CancellationToken, ConsumeOptions, Consumer, Delivery, MemoryQueue, Message, Publisher,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::DropGuard;

/// Delivers both queues until the guard is dropped. Nothing is polled for: what is not announced
/// would be noticed after minutes.
fn deliver(app: App, worker: Worker, queue: &MemoryQueue) -> DropGuard {
    let stop = CancellationToken::new();
    let options = ConsumeOptions {
        poll: Duration::from_mins(5),
        concurrency: 4,
        ..ConsumeOptions::default()
    };
    let events = move |delivery: Delivery| {
        let app = app.clone();
        async move { app.consume_event(delivery).await }
    };
    let orders = move |delivery: Delivery| {
        let worker = worker.clone();
        async move { worker.consume_order(delivery).await }
    };
    let one = ConsumeOptions {
        concurrency: 1,
        ..options.clone()
    };
    let (first, second) = (queue.clone(), queue.clone());
    let (token, other) = (stop.clone(), stop.clone());
    tokio::spawn(async move {
        first
            .consume(EVENTS, &options, Arc::new(events), token)
            .await
    });
    tokio::spawn(async move { second.consume(ORDERS, &one, Arc::new(orders), other).await });
    stop.drop_guard()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_through_a_queue_without_any_nap() {
    let Some(world) = World::new().await else {
        return;
    };
    let queue = MemoryQueue::new();
    let (app, worker) = world.over(Arc::new(queue.clone()));
    let _guard = deliver(app.clone(), worker, &queue);
    for round in 0..3 {
        let mut records = Vec::new();
        for number in 1..=2 {
            let seed = 2 * round + number;
            records.push(world.add(seed, Scene::new(seed)).await.record);
        }
        let started = Instant::now();
        let new = world.consolidation(&format!("job-{round}"), &records);
        let id = app.consolidate(new).await.unwrap();
        while world.state(id).await != JobState::Done {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{:#?}",
                world.job(id).await.logs
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        eprintln!("two datasets through a queue: {:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_counted_by_state_and_by_queue() {
    let Some(world) = World::new().await else {
        return;
    };
    // one task done and one failed, and one that waits for a worker
    half_broken(&world).await;
    order(&world, 3).await;
    let queue = MemoryQueue::new();
    for (name, count) in [(ORDERS, 2), ("events-failed", 1)] {
        let messages = (0..count).map(|_| Message::new("{}")).collect();
        queue.publish(name, messages).await.unwrap();
    }
    let backlog = world.app.backlog(Some(&queue)).await.unwrap();
    let tasks = [
        ("CANCELLED", 0),
        ("DONE", 1),
        ("FAILED", 1),
        ("NEW", 0),
        ("PENDING", 1),
    ];
    assert_eq!(backlog.tasks, tasks.into());
    let messages = [
        ("events", 0),
        ("events-failed", 1),
        ("orders", 2),
        ("orders-failed", 0),
    ];
    let messages = messages.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(backlog.messages, BTreeMap::from(messages));
    let backlog = world.app.backlog(None).await.unwrap();
    assert!(backlog.messages.is_empty());
}
