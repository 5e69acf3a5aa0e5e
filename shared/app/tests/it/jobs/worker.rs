//! Orders and their leases.

use crate::world::{EVENTS, ORDERS, Scene, Stall, World};
use app::PathPolicy;
use app::job::PushAnswer;
use app::worker::{OrderFiles, Outcome};
use bytes::Bytes;
use domain::job::{JobState, Message, TaskEvent, TaskStatus, parse_message};
use domain::{JobId, RunId, Uri};
use std::time::Duration;

/// A job that waits for the worker, and its order.
pub async fn order(world: &World, day: u32) -> (JobId, Bytes) {
    let added = world.add(day, Scene::new(day)).await;
    let name = format!("job-{day}");
    let id = world
        .app
        .consolidate(world.consolidation(&name, &[added.record]))
        .await
        .unwrap();
    loop {
        let (queue, data) = world.mailbox.take().unwrap();
        if queue == ORDERS {
            return (id, data);
        }
        world.deliver(&queue, &data).await;
    }
}

pub fn result(world: &World) -> TaskEvent {
    let events = world.mailbox.waiting(EVENTS);
    assert_eq!(events.len(), 1);
    match parse_message(&events[0]).unwrap() {
        Message::Task(event) => event,
        other => panic!("{other:?}"),
    }
}

/// What a worker tells of an order.
pub fn told(order: &Bytes, status: TaskStatus) -> Vec<u8> {
    let Message::Order(order) = parse_message(order).unwrap() else {
        panic!("no order")
    };
    let failed = status == TaskStatus::TaskFailed;
    let event = TaskEvent {
        job_id: order.job_id,
        task_id: order.task_id,
        status,
        error: if failed { "broken" } else { "" }.to_owned(),
        attempt: order.attempt,
        run_id: None,
    };
    event.to_json()
}

fn attempt(order: &Bytes, attempt: i32) -> Vec<u8> {
    match parse_message(order).unwrap() {
        Message::Order(order) => domain::job::ConsolidationOrder { attempt, ..*order }.to_json(),
        other => panic!("{other:?}"),
    }
}

/// Takes the lease of an order as a worker that says nothing more.
pub async fn seize(world: &World, order: &Bytes, lease: Duration) -> RunId {
    let Message::Order(order) = parse_message(order).unwrap() else {
        panic!("no order")
    };
    let run = RunId::new();
    let key = database::lease::Order {
        job: order.job_id,
        task: order.task_id,
        attempt: order.attempt,
    };
    let mut connection = world.database.db.read().await.unwrap();
    let acquired = database::lease::acquire(&mut connection, &key, run, "other", lease)
        .await
        .unwrap();
    assert!(matches!(acquired, database::lease::Acquisition::Run { .. }));
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_run_once_and_told_once() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, order) = order(&world, 1).await;
    assert_eq!(world.worker.process(&order).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(
        (event.job_id, event.status, event.attempt),
        (id, TaskStatus::TaskSuccessful, 1)
    );
    assert_eq!(world.worker.process(&order).await, Outcome::Duplicate);
    assert_eq!(world.mailbox.waiting(EVENTS).len(), 1);
    let work = world.folder.path().join("work");
    assert_eq!(
        std::fs::read_dir(work).unwrap().count(),
        0,
        "scratch files stay"
    );
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(
        world.worker.process(&order).await,
        Outcome::Duplicate,
        "the task is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_was_not_published_is_published_by_the_next_delivery() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    world.mailbox.set_away(true);
    assert!(matches!(
        world.worker.process(&order).await,
        Outcome::RetryLater(_)
    ));
    world.mailbox.set_away(false);
    let files = world.files();
    let written = std::fs::metadata(&files[1]).unwrap().modified().unwrap();
    assert_eq!(world.worker.process(&order).await, Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
    assert_eq!(
        std::fs::metadata(&files[1]).unwrap().modified().unwrap(),
        written,
        "written again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_runs_elsewhere_is_busy_until_its_lease_ends() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    seize(&world, &order, Duration::from_millis(300)).await;
    assert_eq!(world.worker.process(&order).await, Outcome::Busy);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(world.worker.process(&order).await, Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_workers_die_again_and_again_fails() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    for _ in 0..2 {
        seize(&world, &order, Duration::ZERO).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.worker.process(&order).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(
        (event.status, event.error.as_str()),
        (TaskStatus::TaskFailed, "too many tries")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_former_attempt_are_not_run() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    assert_eq!(
        world.worker.process(&attempt(&order, 2)).await,
        Outcome::Done
    );
    assert_eq!(result(&world).attempt, 2);
    assert_eq!(world.worker.process(&order).await, Outcome::Duplicate);
    assert_eq!(world.mailbox.waiting(EVENTS).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_former_attempt_that_comes_first_is_not_run() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, first) = order(&world, 1).await;
    world.app.retry_job(id, true).await.unwrap();
    while world.mailbox.waiting(ORDERS).is_empty() {
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
    }
    assert_eq!(world.worker.process(&first).await, Outcome::Duplicate);
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_task_is_done_by_a_late_success_is_not_run() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, first) = order(&world, 1).await;
    assert_eq!(world.worker.process(&first).await, Outcome::Done);
    let (_, success) = world.mailbox.take().unwrap();
    world.app.retry_job(id, true).await.unwrap();
    while world.mailbox.waiting(ORDERS).is_empty() {
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
    }
    let (_, second) = world.mailbox.take().unwrap();
    assert_eq!(world.deliver(EVENTS, &success).await, PushAnswer::Done);
    assert_eq!(world.worker.process(&second).await, Outcome::Duplicate);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_a_task_in_one_worker_keep_their_files_apart() {
    let Some(world) = World::new().await else {
        return;
    };
    let (worker, gate) = world.gated_worker_with(Stall::BeforeUpload, |options| {
        options.max_concurrent_tasks = 2;
    });
    let (id, first) = order(&world, 1).await;
    let run = |message: Bytes| {
        let worker = worker.clone();
        tokio::spawn(async move { worker.process(&message).await })
    };
    let former = run(first.clone());
    gate.arrival().await;
    world.app.retry_job(id, true).await.unwrap();
    while world.mailbox.waiting(ORDERS).is_empty() {
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
    }
    let (_, second) = world.mailbox.take().unwrap();
    let latter = run(second);
    gate.arrival().await;
    // who came first goes first, and takes its scratch files away
    gate.open();
    assert!(matches!(former.await.unwrap(), Outcome::RetryLater(_)));
    gate.open();
    assert_eq!(latter.await.unwrap(), Outcome::Done);
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    let record = world.visible().await[0].record.id;
    assert_eq!(world.pixels(record).await, Scene::new(1).pixels());
    let left = std::fs::read_dir(&worker.options().workdir).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_no_orders_are_poison() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let event = TaskEvent {
        job_id: JobId::new(),
        task_id: domain::TaskId::new(),
        status: TaskStatus::TaskSuccessful,
        error: String::new(),
        attempt: 1,
        run_id: None,
    };
    for data in [
        &b"x"[..],
        b"{}",
        &event.to_json(),
        &order[..order.len() / 2],
    ] {
        assert!(matches!(
            world.worker.process(data).await,
            Outcome::Poison(_)
        ));
    }
    assert_eq!(world.worker.receive(b"x", None).await, PushAnswer::Done);
    assert_eq!(world.mailbox.take().unwrap().0, "orders-failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_fails() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let worker = world.other_worker(|options| options.max_task_duration = Some(Duration::ZERO));
    // the clock is looked at while the run goes on
    assert_eq!(worker.process(&order).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(event.status, TaskStatus::TaskFailed);
    assert!(
        event.error.starts_with("exceeds the maximum duration"),
        "{}",
        event.error
    );
    assert_eq!(world.files().len(), 1, "no file is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_too_large_for_the_scratch_space_fails() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let worker = world.other_worker(|options| options.scratch_bytes = Some(1000));
    assert_eq!(worker.process(&order).await, Outcome::Done);
    assert!(result(&world).error.starts_with("insufficient scratch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_gives_orders_back() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let worker = world.other_worker(|_| {});
    worker.shut_down().await;
    assert!(matches!(
        worker.process(&order).await,
        Outcome::RetryLater(_)
    ));
    assert_eq!(world.worker.process(&order).await, Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_goes_on_when_the_broker_hangs_up() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, order) = order(&world, 1).await;
    let hung_up =
        tokio::time::timeout(Duration::from_millis(1), world.worker.process(&order)).await;
    assert!(hung_up.is_err());
    while world.worker.is_busy() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

/// Starts an order on a worker of its own, and waits until it is about to hand in its file.
async fn started(
    world: &World,
    order: &Bytes,
) -> (
    tokio::task::JoinHandle<Outcome>,
    std::sync::Arc<crate::world::Gate>,
) {
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let message = order.clone();
    let running = tokio::spawn(async move { worker.process(&message).await });
    gate.arrival().await;
    (running, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_order_is_not_started_twice_however_long_it_takes() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let (running, gate) = started(&world, &order).await;
    assert_eq!(world.worker.process(&order).await, Outcome::Busy);
    // longer than its lease, which the heartbeat prolongs
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(world.worker.process(&order).await, Outcome::Busy);
    gate.open();
    assert_eq!(running.await.unwrap(), Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
    assert_eq!(world.files().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_lease_leaves_no_trace() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, order) = order(&world, 1).await;
    let (running, gate) = started(&world, &order).await;
    // a newer attempt takes the lease away
    seize(&world, &attempt(&order, 2).into(), Duration::from_mins(1)).await;
    gate.open();
    assert!(matches!(running.await.unwrap(), Outcome::RetryLater(_)));
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
    assert!(world.mailbox.waiting(EVENTS).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_writes_nothing_and_tells_so() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, order) = order(&world, 1).await;
    let (running, gate) = started(&world, &order).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    gate.open();
    assert_eq!(running.await.unwrap(), Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskCancelled);
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_wait_for_a_busy_worker_are_not_sent_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, first) = order(&world, 1).await;
    let (_, second) = order(&world, 2).await;
    let (running, gate) = started(&world, &first).await;
    let swept = world.app.sweep(&super::at_once()).await.unwrap().unwrap();
    assert_eq!(swept.orders, 0);
    gate.open();
    assert_eq!(running.await.unwrap(), Outcome::Done);
    let swept = world.app.sweep(&super::at_once()).await.unwrap().unwrap();
    assert_eq!(swept.orders, 1);
    assert_eq!(world.mailbox.waiting(ORDERS), [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_orders_may_not_name_are_neither_read_nor_written() {
    let Some(world) = World::new().await else {
        return;
    };
    let place = |name: &str| Uri::parse(world.folder.path().join(name).to_str().unwrap()).unwrap();
    let (_, message) = order(&world, 1).await;

    let elsewhere = world.other_worker(|options| options.files.target_root = Some(place("other")));
    let outcome = elsewhere.process(&message).await;
    assert!(
        matches!(&outcome, Outcome::Poison(reason) if reason.contains("flag ingestionStorage")),
        "{outcome:?}"
    );
    assert!(world.mailbox.waiting(EVENTS).is_empty());

    let blind = world.other_worker(|options| {
        options.files = OrderFiles {
            target_root: Some(place("data")),
            sources: Some(PathPolicy::default()),
        };
    });
    assert_eq!(blind.process(&message).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(event.status, TaskStatus::TaskFailed);
    assert!(event.error.contains("flag allowedPaths"), "{}", event.error);
    assert_eq!(world.files().len(), 1, "nothing is written");
}
