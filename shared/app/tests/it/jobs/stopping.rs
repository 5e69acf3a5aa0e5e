//! Orders that are stopped while their files are on their way.

use super::worker::{order, result};
use crate::world::{EVENTS, ORDERS, Scene, Stall, World};
use app::job::PushAnswer;
use app::worker::Outcome;
use domain::job::{JobState, Message, TaskStatus, cancel_marker_name, parse_message};
use domain::{JobId, Uri};
use std::time::Duration;

/// Nothing that is tested here takes as long.
const LONG: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_does_not_hold_up_a_worker_that_stops() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, message) = order(&world, 1).await;
    // more often than runs are allowed: nothing was wrong with them
    for _ in 0..4 {
        let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
        let (stopping, data) = (worker.clone(), message.clone());
        let running = tokio::spawn(async move { worker.process(&data).await });
        gate.arrival().await;
        tokio::time::timeout(LONG, stopping.shut_down())
            .await
            .unwrap();
        let outcome = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
        assert_eq!(outcome, Outcome::RetryLater("the worker stops".to_owned()));
    }
    assert_eq!(world.worker.process(&message).await, Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
    world.deliver_all().await;
    let record = world.visible().await[0].record.id;
    assert_eq!(world.pixels(record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_does_not_hold_up_a_cancellation() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let running = tokio::spawn(async move { worker.process(&message).await });
    gate.arrival().await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationCancelling);
    let outcome = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskCancelled);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_takes_too_long_fails_its_task() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, message) = order(&world, 1).await;
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let worker = worker.within(Duration::from_secs(2));
    let running = tokio::spawn(async move { worker.process(&message).await });
    gate.arrival().await;
    let outcome = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    assert_eq!(outcome, Outcome::Done);
    let event = result(&world);
    assert_eq!(event.status, TaskStatus::TaskFailed);
    assert_eq!(event.error, "exceeds the maximum duration of 2s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_misses_three_beats_stops_and_tells_nothing() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, message) = order(&world, 1).await;
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let data = message.clone();
    let running = tokio::spawn(async move { worker.process(&data).await });
    gate.arrival().await;
    let away = "ALTER TABLE geocube.task_leases RENAME TO task_leases_away";
    world.database.run(&[away]).await;
    let outcome = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    assert!(matches!(outcome, Outcome::RetryLater(_)), "{outcome:?}");
    let back = "ALTER TABLE geocube.task_leases_away RENAME TO task_leases";
    world.database.run(&[back]).await;
    assert!(world.mailbox.waiting(EVENTS).is_empty());
    assert_eq!(world.files().len(), 1, "{:?}", world.files());
    // the lease was not given back, and ends by itself
    while world.worker.process(&message).await == Outcome::Busy {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
}

/// Whether a worker of a job is alive, told by a runtime of its own.
fn is_leased(url: &str, job: JobId) -> bool {
    let query = async {
        let options = database::PoolOptions::default();
        let database = database::Database::connect(url, &options).await.unwrap();
        let mut connection = database.read().await.unwrap();
        database::lease::live_count(&mut connection, job)
            .await
            .unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(query) > 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_lease_outlives_work_that_blocks_every_thread() {
    let Some(world) = World::new().await else {
        return;
    };
    let (job, message) = order(&world, 1).await;
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let lease = worker.options().lease;
    let running = tokio::spawn(async move { worker.process(&message).await });
    gate.arrival().await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let blocking = tokio::spawn(async move { released.recv().unwrap() });
    let url = world.database.url();
    let watching = std::thread::spawn(move || {
        std::thread::sleep(2 * lease);
        is_leased(&url, job)
    });
    // without giving way: no task of the runtime goes on meanwhile
    assert!(watching.join().unwrap(), "the lease ran out");
    release.send(()).unwrap();
    blocking.await.unwrap();
    gate.open();
    assert_eq!(running.await.unwrap(), Outcome::Done);
    assert_eq!(result(&world).status, TaskStatus::TaskSuccessful);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_that_somebody_wrote_fails_its_task_and_says_so() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    let Message::Order(decoded) = parse_message(&message).unwrap() else {
        panic!("no order")
    };
    let folder = world.folder.path().join("cancelled");
    std::fs::create_dir_all(&folder).unwrap();
    let marker = folder.join(cancel_marker_name(id, decoded.task_id));
    std::fs::write(&marker, b"").unwrap();
    assert_eq!(world.worker.process(&message).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(
        (event.status, event.error.as_str()),
        (TaskStatus::TaskFailed, "cancelled by a marker")
    );
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationFailed);
    std::fs::remove_file(&marker).unwrap();
    world.app.retry_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_free_place_is_busy() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, first) = order(&world, 1).await;
    let (_, second) = order(&world, 2).await;
    let (worker, gate) = world.gated_worker(Stall::BeforeUpload);
    let (running, data) = (worker.clone(), first.clone());
    let running = tokio::spawn(async move { running.receive(&data, Some(1)).await });
    gate.arrival().await;
    let busy = PushAnswer::Retry {
        after: Duration::from_secs(10),
        reason: "busy".to_owned(),
    };
    assert_eq!(worker.receive(&second, Some(1)).await, busy);
    // m10: the same order, while it runs
    assert_eq!(world.deliver(ORDERS, &first).await, busy);
    assert_eq!(
        world.runs(&first).await,
        "RUNNING, 1 start(s), 2 deliveries"
    );
    gate.open();
    assert_eq!(running.await.unwrap(), PushAnswer::Done);
    // m9 and m11: once it is over
    assert_eq!(
        world.runs(&first).await,
        "SUCCEEDED, 1 start(s), 2 deliveries"
    );
    assert_eq!(world.deliver(ORDERS, &first).await, PushAnswer::Done);
    assert_eq!(
        world.runs(&first).await,
        "SUCCEEDED, 1 start(s), 3 deliveries"
    );
    assert_eq!(world.mailbox.waiting(EVENTS).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn m13_an_order_starts_again_when_the_lease_of_its_runner_is_over() {
    let Some(world) = World::new().await else {
        return;
    };
    let (_, message) = order(&world, 1).await;
    super::worker::seize(&world, &message, Duration::from_mins(2)).await;
    let answer = world.deliver(ORDERS, &message).await;
    assert!(matches!(answer, PushAnswer::Retry { .. }), "{answer:?}");
    assert_eq!(
        world.runs(&message).await,
        "RUNNING, 1 start(s), 2 deliveries"
    );
    let later = "UPDATE geocube.task_leases SET lease_until = lease_until - interval '130 s'";
    world.database.run(&[later]).await;
    assert_eq!(world.deliver(ORDERS, &message).await, PushAnswer::Done);
    assert_eq!(
        world.runs(&message).await,
        "SUCCEEDED, 2 start(s), 3 deliveries"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn m26_a_target_that_fails_for_now_gets_one_more_run() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let (_, message) = order(&world, 1).await;
    let away = std::sync::Arc::new(crate::world::Faulty::new(1));
    away.percent.store(100, std::sync::atomic::Ordering::SeqCst);
    let inputs = Uri::parse(world.folder.path().join("data").to_str().unwrap()).unwrap();
    world.moved(away, &inputs, &inputs);
    assert!(matches!(
        world.worker.process(&message).await,
        Outcome::RetryLater(_)
    ));
    assert!(world.mailbox.waiting(EVENTS).is_empty());
    assert_eq!(world.worker.process(&message).await, Outcome::Done);
    let event = result(&world);
    assert_eq!(event.status, TaskStatus::TaskFailed);
    assert_eq!(
        world.runs(&message).await,
        "FAILED, 2 start(s), 2 deliveries"
    );
}
