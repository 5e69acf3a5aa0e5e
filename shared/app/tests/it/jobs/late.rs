//! Events and commands that come when their job has moved on.

use super::deletion::rollback_to_fail;
use super::worker::{order, seize, told};
use crate::world::{EVENTS, ORDERS, Scene, World};
use app::job::{NewConsolidation, PushAnswer};
use app::worker::Outcome;
use bytes::Bytes;
use domain::JobId;
use domain::job::{ExecutionLevel, JobState, TaskStatus};
use std::time::Duration;

/// Delivers a message that has to be answered.
async fn deliver(world: &World, data: &[u8]) {
    assert_eq!(world.deliver(EVENTS, data).await, PushAnswer::Done);
}

/// The next event.
fn take(world: &World) -> Bytes {
    let (queue, data) = world.mailbox.take().unwrap();
    assert_eq!(queue, EVENTS);
    data
}

/// Delivers events until an order is out; the order.
async fn next_order(world: &World) -> Bytes {
    loop {
        let (queue, data) = world.mailbox.take().unwrap();
        if queue == ORDERS {
            return data;
        }
        deliver(world, &data).await;
    }
}

/// The task fails, and the job with it.
async fn fail(world: &World, id: JobId, order: &Bytes) {
    deliver(world, &told(order, TaskStatus::TaskFailed)).await;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_a_former_try_does_not_fail_the_present_one() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, first) = order(&world, 1).await;
    deliver(&world, &told(&first, TaskStatus::TaskFailed)).await;
    let failure = take(&world);
    world.app.retry_job(id, false).await.unwrap();
    let second = next_order(&world).await;
    deliver(&world, &failure).await;
    assert_eq!(world.state(id).await, JobState::ConsolidationInProgress);
    assert_eq!(world.worker.process(&second).await, Outcome::Done);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_a_late_success_belies_does_not_count_in_any_order() {
    for failure_first in [true, false] {
        let Some(world) = World::new().await else {
            return;
        };
        let (id, order) = order(&world, 1).await;
        assert_eq!(world.worker.process(&order).await, Outcome::Done);
        let success = take(&world);
        deliver(&world, &told(&order, TaskStatus::TaskFailed)).await;
        let failed = take(&world);
        deliver(&world, &success).await;
        let done = take(&world);
        let (one, other) = if failure_first {
            (failed, done)
        } else {
            (done, failed)
        };
        deliver(&world, &one).await;
        deliver(&world, &other).await;
        world.deliver_all().await;
        let job = world.job(id).await;
        assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_forced_cancel_does_not_end_the_wait_for_workers() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, order) = order(&world, 1).await;
    seize(&world, &order, Duration::from_mins(1)).await;
    for _ in 0..2 {
        world.app.cancel_job(id, true).await.unwrap();
    }
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    // one that is sent during the wait does
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_forced_cancel_does_not_give_up_the_rollback() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = rollback_to_fail(&world, &added).await;
    for _ in 0..2 {
        world.app.cancel_job(id, true).await.unwrap();
    }
    let (first, second) = (take(&world), take(&world));
    deliver(&world, &first).await;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::RollbackFailed);
    deliver(&world, &second).await;
    assert_eq!(world.state(id).await, JobState::RollbackFailed);
    assert_eq!(world.locked(&[id]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_forced_retry_does_not_start_the_tasks_once_more() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, first) = order(&world, 1).await;
    fail(&world, id, &first).await;
    for _ in 0..2 {
        world.app.retry_job(id, true).await.unwrap();
    }
    let (one, other) = (take(&world), take(&world));
    deliver(&world, &one).await;
    let order = next_order(&world).await;
    seize(&world, &order, Duration::from_mins(1)).await;
    deliver(&world, &other).await;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationInProgress);
    let attempts = world
        .database
        .texts("SELECT attempt::text FROM geocube.tasks");
    assert_eq!(attempts.await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_refused_does_not_act_later() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = NewConsolidation {
        level: ExecutionLevel::StepByStepMajor,
        ..world.consolidation("job", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await.job;
    assert_eq!((job.state, job.waiting), (JobState::Created, true));

    world.app.cancel_job(id, false).await.unwrap();
    let cancel = take(&world);
    world.app.continue_job(id).await.unwrap();
    deliver(&world, &take(&world)).await;
    let before = world.job(id).await;
    assert!(!before.job.waiting);
    deliver(&world, &cancel).await;
    assert_eq!(world.job(id).await, before, "it came too late");

    world.deliver_all().await;
    world.app.continue_job(id).await.unwrap();
    let order = next_order(&world).await;
    fail(&world, id, &order).await;
    deliver(&world, &cancel).await;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationFailed);
}
