//! Brokers that are away, processes that die, messages that make no sense.

use super::at_once;
use super::worker::order;
use crate::world::{EVENTS, ORDERS, Scene, World};
use app::job::{PushAnswer, Swept};
use domain::JobId;
use domain::job::{ExecutionLevel, JobEvent, JobState, JobStatus, Task, TaskState};
use runtime::config::Sweep;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_although_no_message_was_published_at_first() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    world.mailbox.set_away(true);
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    // each message is lost once, and found by the sweeper
    for _ in 0..40 {
        assert!(world.mailbox.take().is_none());
        world.mailbox.set_away(false);
        world.app.sweep(&at_once()).await.unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(message) = world.mailbox.take() {
            found.push(message);
        }
        world.mailbox.set_away(true);
        for (queue, data) in found {
            let answer = world.deliver(&queue, &data).await;
            let worker_waits = queue == ORDERS && matches!(answer, PushAnswer::Retry { .. });
            assert!(
                answer == PushAnswer::Done || worker_waits,
                "{queue}: {answer:?}"
            );
        }
        if world.state(id).await == JobState::Done {
            break;
        }
    }
    assert_eq!(
        world.state(id).await,
        JobState::Done,
        "{:#?}",
        world.job(id).await.logs
    );
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_without_anything_lost_sends_nothing() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    assert_eq!(
        world.app.sweep(&at_once()).await.unwrap(),
        Some(Swept::default())
    );
    assert!(world.mailbox.take().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_got_lost_is_sent_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    while let Some((queue, data)) = world.mailbox.take() {
        if queue == EVENTS {
            world.deliver(&queue, &data).await;
        }
    }
    assert_eq!(world.state(id).await, JobState::ConsolidationInProgress);
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.orders, 1);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_wait_for_a_worker_are_sent_again_ever_more_seldom() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    while let Some((queue, data)) = world.mailbox.take() {
        if queue == EVENTS {
            world.deliver(&queue, &data).await;
        }
    }
    let thresholds = Sweep {
        resend_order_after: Duration::from_millis(40),
        ..at_once()
    };
    let mut sent = 0;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        sent += world.app.sweep(&thresholds).await.unwrap().unwrap().orders;
    }
    // after 40, 80, 160 … ms: a dozen in more than a day
    assert!((4..=12).contains(&sent), "sent again {sent} times");
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

/// What a process leaves that dies after it saved a state and before it ran the entry action.
pub async fn die_after_saving(world: &World, id: JobId, data: &[u8]) {
    let domain::job::Message::Job(event) = domain::job::parse_message(data).unwrap() else {
        panic!("no job event");
    };
    let mut tx = world.database.db.begin().await.unwrap();
    let stored = database::job::get_for_update(&mut tx, id).await.unwrap();
    let now = chrono::Utc::now().into();
    let transition = domain::job::apply(&stored.job, &event.status, now).unwrap();
    database::job::update(&mut tx, &transition.job, stored.row_version)
        .await
        .unwrap();
    let payload = serde_json::from_slice(data).unwrap();
    let run = domain::RunId::new();
    let event_id = event.event_id.unwrap();
    database::job::record_event(&mut tx, id, event_id, &payload, run, Duration::ZERO)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_in_any_state_is_replaced() {
    let Some(world) = World::new().await else {
        return;
    };
    let mut deaths = 0;
    for step in 0.. {
        let added = world.add(step, Scene::new(step)).await;
        let name = format!("job-{step}");
        let id = world
            .app
            .consolidate(world.consolidation(&name, &[added.record]))
            .await
            .unwrap();
        let mut count = 0;
        while let Some((queue, data)) = world.mailbox.take() {
            let own = queue == EVENTS && String::from_utf8_lossy(&data).contains("\"job_event\"");
            if own
                && data
                    .windows(36)
                    .any(|text| text == id.to_string().as_bytes())
            {
                if count == step {
                    die_after_saving(&world, id, &data).await;
                    deaths += 1;
                }
                count += 1;
            }
            // the broker delivers again what was not answered
            assert_eq!(world.deliver(&queue, &data).await, PushAnswer::Done);
        }
        assert_eq!(
            world.state(id).await,
            JobState::Done,
            "{:#?}",
            world.job(id).await.logs
        );
        assert_eq!(world.pixels(added.record).await, Scene::new(step).pixels());
        if count <= step {
            break;
        }
    }
    assert_eq!(deaths, 6, "one for each event of the job");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_nobody_runs_is_found_by_the_sweeper() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    let (_, data) = world.mailbox.take().unwrap();
    die_after_saving(&world, id, &data).await;
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.actions, 1);
    // it is not sent with each sweep
    let later = Sweep {
        rerun_action_after: Duration::from_mins(1),
        ..at_once()
    };
    let an_hour_passes =
        "UPDATE geocube.jobs SET last_update_ts = last_update_ts - interval '1 hour',
        swept_at = swept_at - interval '1 hour'";
    world.database.run(&[an_hour_passes]).await;
    let mut counts = Vec::new();
    for _ in 0..3 {
        counts.push(world.app.sweep(&later).await.unwrap().unwrap().actions);
    }
    assert_eq!(counts, [1, 0, 0]);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_no_events_are_put_aside() {
    let Some(world) = World::new().await else {
        return;
    };
    let order = br#"{"v":1,"type":"consolidation"}"#;
    for data in [
        &b"not json"[..],
        b"",
        b"[]",
        order,
        br#"{"v":2,"type":"job_event"}"#,
    ] {
        assert!(matches!(
            world.app.receive(data, Some(1)).await,
            PushAnswer::Refused(_)
        ));
        // without a place for them in the queue they are copied
        assert_eq!(world.app.receive(data, None).await, PushAnswer::Done);
        assert_eq!(
            world.mailbox.take().unwrap(),
            ("events-failed".to_owned(), data.into())
        );
    }
    let unknown = JobEvent::new(JobId::new(), JobStatus::JobCreated, 0);
    assert_eq!(
        world.app.receive(&unknown.to_json(), Some(1)).await,
        PushAnswer::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_too_late_change_nothing() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    let before = world.job(id).await;
    for status in [
        JobStatus::JobCreated,
        JobStatus::ConsolidationDone,
        JobStatus::Continue,
    ] {
        let late = JobEvent {
            event_id: None,
            ..JobEvent::new(id, status, 0)
        };
        assert_eq!(
            world.app.receive(&late.to_json(), Some(1)).await,
            PushAnswer::Done
        );
    }
    assert_eq!(world.job(id).await, before);
    assert_eq!(before.job.execution_level, ExecutionLevel::Asynchronous);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_of_an_order_that_was_given_up_fails() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    let attributes = [
        ("CloudPubSubDeadLetterSourceDeliveryCount", "7"),
        ("reason", "503 Service Unavailable: busy"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let answer = world
        .app
        .receive_dead_letter(&message, &attributes, None)
        .await;
    assert_eq!(answer, PushAnswer::Done);
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::ConsolidationFailed);
    assert!(
        job.logs
            .join("\n")
            .contains("dead-lettered after 7 deliveries: 503 Service Unavailable: busy"),
        "{:#?}",
        job.logs
    );
    // delivered late, it is not run
    assert_eq!(world.deliver(ORDERS, &message).await, PushAnswer::Done);
    world.app.retry_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(
        world
            .app
            .receive_dead_letter(&message, &attributes, None)
            .await,
        PushAnswer::Done
    );
    assert_eq!(
        world.app.receive_dead_letter(b"x", &attributes, None).await,
        PushAnswer::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_although_each_of_its_events_was_given_up() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    let attributes = std::collections::BTreeMap::new();
    let mut given_up = 0;
    while let Some((queue, data)) = world.mailbox.take() {
        if queue == ORDERS {
            assert_eq!(world.deliver(&queue, &data).await, PushAnswer::Done);
            continue;
        }
        // twice: what was handled is not handled again
        for _ in 0..2 {
            let before = world.job(id).await.job.state;
            let answer = world
                .app
                .receive_dead_letter(&data, &attributes, None)
                .await;
            assert_eq!(answer, PushAnswer::Done);
            if given_up == 0 {
                assert_eq!(before, JobState::New);
                assert_ne!(world.state(id).await, JobState::New);
                break;
            }
        }
        given_up += 1;
    }
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_queue_refuses_does_not_hold_up_the_others() {
    let Some(world) = World::new().await else {
        return;
    };
    world.mailbox.refuse("poison");
    let poison = database::outbox::NewMessage {
        topic: EVENTS.to_owned(),
        payload: b"poison".to_vec(),
        attributes: std::collections::BTreeMap::new(),
    };
    let mut connection = world.database.db.read().await.unwrap();
    // more than one transaction of the sweeper takes
    database::outbox::insert(&mut connection, &vec![poison; 150])
        .await
        .unwrap();
    drop(connection);
    let added = world.add(1, Scene::new(1)).await;
    world.mailbox.set_away(true);
    let new = world.consolidation("job", &[added.record]);
    let id = world.app.consolidate(new).await.unwrap();
    world.mailbox.set_away(false);
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.messages, 1);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_read_does_not_hold_up_the_others() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, _) = order(&world, 1).await;
    let mut connection = world.database.db.read().await.unwrap();
    let broken = Task::new(domain::TaskId::new(), id, b"broken".to_vec());
    database::task::insert(&mut connection, std::slice::from_ref(&broken))
        .await
        .unwrap();
    let state = TaskState::Pending;
    database::task::update(&mut connection, &[Task { state, ..broken }])
        .await
        .unwrap();
    drop(connection);
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.orders, 1);
    assert_eq!(world.mailbox.waiting(ORDERS).len(), 1);
}
