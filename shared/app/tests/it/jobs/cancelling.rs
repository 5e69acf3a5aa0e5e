//! Cancellations.

use super::at_once;
use super::worker::{order, seize};
use crate::world::{EVENTS, ORDERS, Scene, World};
use app::job::PushAnswer;
use bytes::Bytes;
use database::lease;
use domain::JobId;
use domain::job::{JobState, Message, TaskEvent, TaskStatus, parse_message};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_job_that_is_cancelled_by_force_is_rolled_back() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    let created = world.mailbox.take().unwrap();
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.locked(&[id]).await, 0);
    // the event that comes too late is dropped
    assert_eq!(
        world.deliver(&created.0, &created.1).await,
        PushAnswer::Done
    );
    assert_eq!(world.state(id).await, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_tasks_are_marked_and_their_orders_are_not_run() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    while world.mailbox.waiting(ORDERS).is_empty() {
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
    }
    let order = world.mailbox.take().unwrap();
    assert_eq!(order.0, ORDERS);
    world.app.cancel_job(id, false).await.unwrap();
    // the cancellation itself, not yet what follows
    let (queue, data) = world.mailbox.take().unwrap();
    world.deliver(&queue, &data).await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    let markers = || {
        std::fs::read_dir(world.folder.path().join("cancelled"))
            .unwrap()
            .count()
    };
    assert_eq!(markers(), 1);
    assert_eq!(world.deliver(&order.0, &order.1).await, PushAnswer::Done);
    assert_eq!(world.files().len(), 1, "nothing was written");

    world.deliver_all().await;
    assert_eq!(
        world.state(id).await,
        JobState::Failed,
        "{:#?}",
        world.job(id).await.logs
    );
    assert_eq!(markers(), 0);
    assert!(world.mailbox.waiting(EVENTS).is_empty());
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
    assert_eq!(world.deliver(&order.0, &order.1).await, PushAnswer::Done);
    assert_eq!(world.files().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_waits_for_its_worker() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    let run = seize(&world, &message, Duration::from_mins(1)).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);

    // the worker learns it with its next beat, and tells
    let Message::Order(order) = parse_message(&message).unwrap() else {
        panic!("no order")
    };
    let mut connection = world.database.db.read().await.unwrap();
    let lease_time = Duration::from_mins(1);
    let beat = lease::heartbeat(&mut connection, order.task_id, run, lease_time)
        .await
        .unwrap();
    assert!(beat.unwrap().cancel_requested);
    let status = TaskStatus::TaskCancelled;
    assert!(
        lease::finish(&mut connection, order.task_id, run, status, "")
            .await
            .unwrap()
    );
    let event = TaskEvent {
        job_id: id,
        task_id: order.task_id,
        status,
        error: String::new(),
        attempt: 1,
        run_id: Some(run),
    };
    assert_eq!(
        world.deliver(EVENTS, &event.to_json()).await,
        PushAnswer::Done
    );
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_goes_on_when_its_worker_died() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    seize(&world, &message, Duration::from_millis(1500)).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.cancellations, 1);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}

/// A job whose only task has failed, which it does not know yet, and which is cancelled then; its order, and the event that
/// comes too late.
async fn cancelled_without_active_tasks(world: &World, seized: bool) -> (JobId, Bytes) {
    let (id, message) = order(world, 1).await;
    let Message::Order(order) = parse_message(&message).unwrap() else {
        panic!("no order")
    };
    if seized {
        seize(world, &message, Duration::from_mins(1)).await;
    }
    let failed = TaskEvent {
        job_id: id,
        task_id: order.task_id,
        status: TaskStatus::TaskFailed,
        error: "broken".to_owned(),
        attempt: 1,
        run_id: None,
    };
    world.deliver(EVENTS, &failed.to_json()).await;
    let (_, late) = world.mailbox.take().unwrap();
    world.app.cancel_job(id, false).await.unwrap();
    let (queue, data) = world.mailbox.take().unwrap();
    world.deliver(&queue, &data).await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    let markers = std::fs::read_dir(world.folder.path().join("cancelled"));
    assert_eq!(markers.map_or(0, Iterator::count), 0);
    (id, late)
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_a_job_without_active_tasks_is_cancelled_without_markers() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, late) = cancelled_without_active_tasks(&world, false).await;
    let (queue, data) = world.mailbox.take().unwrap();
    world.deliver(&queue, &data).await;
    assert_eq!(world.state(id).await, JobState::Aborted);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    let before = world.job(id).await;
    assert_eq!(world.deliver(EVENTS, &late).await, PushAnswer::Done);
    assert_eq!(world.job(id).await, before);
    assert_eq!(world.locked(&[id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_active_tasks_waits_for_a_worker_nevertheless() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, _) = cancelled_without_active_tasks(&world, true).await;
    world.deliver_all().await;
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.cancellations, 0);
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    let over = "UPDATE geocube.task_leases SET lease_until = clock_timestamp()";
    world.database.run(&[over]).await;
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.cancellations, 1);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ten_minutes_of_a_cancellation_begin_with_it() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    seize(&world, &message, Duration::from_hours(1)).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    // whatever was changed last says nothing
    for (column, expected) in [("last_update_ts", 0), ("entered_ts", 1)] {
        let earlier =
            format!("UPDATE geocube.jobs SET {column} = {column} - interval '11 minutes'");
        world.database.run(&[&earlier]).await;
        let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
        assert_eq!(swept.cancellations, expected, "{column}");
    }
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}
