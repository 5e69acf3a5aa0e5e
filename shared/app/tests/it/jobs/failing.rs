//! Tasks and actions that fail, and further tries.

use super::worker::order;
use crate::world::{EVENTS, ORDERS, Scene, World, create_layout};
use app::job::{NewConsolidation, PushAnswer};
use domain::JobId;
use domain::job::{
    JobState, Message, Task, TaskCounters, TaskEvent, TaskState, TaskStatus, parse_message,
};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A job of two cells, the image of one of which cannot be read.
pub async fn half_broken(world: &World) -> (JobId, [crate::world::Added; 2]) {
    let good = world.add(1, Scene::new(1)).await;
    let bad = world.add(2, Scene::shifted(2, 64, 0)).await;
    std::fs::write(&bad.file, b"no image").unwrap();
    let records = [good.record, bad.record];
    let id = world
        .app
        .consolidate(world.consolidation("job", &records))
        .await
        .unwrap();
    world.deliver_all().await;
    (id, [good, bad])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_fails_the_job_and_a_retry_sends_its_order_only() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, [good, bad]) = half_broken(&world).await;
    let job = world.job(id).await;
    assert_eq!(
        job.job.state,
        JobState::ConsolidationFailed,
        "{:#?}",
        job.logs
    );
    assert_eq!(
        job.job.counters,
        TaskCounters {
            active: 0,
            failed: 1
        }
    );
    let failed = job
        .logs
        .iter()
        .find(|line| line.contains("- ERROR |") && line.contains("Task "));
    assert!(failed.unwrap().contains("image-2-2.tif"), "{failed:?}");
    // readers see what they saw before
    assert_eq!(world.pixels(good.record).await, Scene::new(1).pixels());

    Scene::shifted(2, 64, 0).write(&bad.file);
    world.app.retry_job(id, false).await.unwrap();
    let mut orders = 0;
    while let Some((queue, data)) = world.mailbox.take() {
        orders += usize::from(queue == ORDERS);
        world.deliver(&queue, &data).await;
    }
    assert_eq!(orders, 1);
    assert_eq!(
        world.state(id).await,
        JobState::Done,
        "{:#?}",
        world.job(id).await.logs
    );
    assert_eq!(world.pixels(good.record).await, Scene::new(1).pixels());
    assert_eq!(world.files().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_that_is_cancelled_leaves_everything_as_before() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, [good, bad]) = half_broken(&world).await;
    assert_eq!(world.files().len(), 3, "one new file is written");
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(
        world.state(id).await,
        JobState::Failed,
        "{:#?}",
        world.job(id).await.logs
    );
    assert_eq!(world.files().len(), 2);
    assert_eq!(world.locked(&[id]).await, 0);
    assert_eq!(world.pixels(good.record).await, Scene::new(1).pixels());

    Scene::shifted(2, 64, 0).write(&bad.file);
    let records = [good.record, bad.record];
    let again = world
        .app
        .consolidate(world.consolidation("again", &records))
        .await
        .unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(again).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planning_that_fails_can_be_tried_again_or_cancelled() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = |name: &str| NewConsolidation {
        layout: "later".to_owned(),
        ..world.consolidation(name, &[added.record])
    };
    let id = world.app.consolidate(new("job")).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::InitialisationFailed);
    assert!(
        job.logs.join("\n").contains("Layout with name: later"),
        "{:#?}",
        job.logs
    );
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.locked(&[id]).await, 0);

    let second = world.app.consolidate(new("second")).await.unwrap();
    world.deliver_all().await;
    create_layout(&world.app, "later", 10).await;
    world.app.retry_job(second, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(second).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_whose_task_was_ignored_stay() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    let Message::Order(order) = parse_message(&message).unwrap() else {
        panic!("no order")
    };
    let ignored = TaskEvent {
        job_id: id,
        task_id: order.task_id,
        status: TaskStatus::TaskIgnored,
        error: "not implemented".to_owned(),
        attempt: 1,
        run_id: None,
    };
    world.deliver(EVENTS, &ignored.to_json()).await;
    world.deliver_all().await;
    assert_eq!(
        world.state(id).await,
        JobState::Done,
        "{:#?}",
        world.job(id).await.logs
    );
    let visible = world.visible().await;
    assert_eq!(
        visible[0].sources[0].uri,
        order.records[0].datasets[0].source.uri
    );
    assert_eq!(world.locked(&[id]).await, 0);
    assert!(world.deletions().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_disappeared_is_not_indexed_and_its_sources_stay() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = world.consolidation("job", &[added.record]);
    let id = world.app.consolidate(new).await.unwrap();
    let mut missing = None;
    while let Some((queue, data)) = world.mailbox.take() {
        world.deliver(&queue, &data).await;
        if queue == ORDERS {
            let mut files = world.files();
            files.retain(|file| *file != added.file);
            std::fs::remove_file(&files[0]).unwrap();
            missing = files.pop();
        }
    }
    let job = world.job(id).await;
    assert_ne!(job.job.state, JobState::Done);
    let logs = job.logs.join("\n");
    let text = format!("is missing: {}", missing.unwrap().display());
    assert!(logs.contains(&text), "{logs}");
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
    assert!(world.deletions().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_indexing_goes_on_where_it_stopped() {
    let Some(world) = World::new().await else {
        return;
    };
    create_layout(&world.app, "single", 1).await;
    let mut records = Vec::new();
    for day in 1..=3 {
        records.push(world.add(day, Scene::new(day)).await.record);
    }
    let new = NewConsolidation {
        layout: "single".to_owned(),
        ..world.consolidation("job", &records)
    };
    let id = world.app.consolidate(new).await.unwrap();
    let mut files = BTreeMap::new();
    while let Some((queue, data)) = world.mailbox.take() {
        if queue == ORDERS {
            let Message::Order(order) = parse_message(&data).unwrap() else {
                panic!("no order")
            };
            files.insert(order.task_id, order.container.uri);
        }
        world.deliver(&queue, &data).await;
        if files.len() == 3 && queue == ORDERS {
            break;
        }
    }
    // outputs are indexed in the order of their tasks
    let second = files.into_values().nth(1).unwrap();
    let second = second.local_path().unwrap().to_owned();
    let aside = second.with_extension("aside");
    std::fs::rename(&second, &aside).unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::ConsolidationFailed);
    let left = async || {
        let mut connection = world.database.db.read().await.unwrap();
        let tasks = database::task::list(&mut connection, id, &TaskState::ALL).await;
        tasks.unwrap().len()
    };
    assert_eq!(left().await, 2);

    std::fs::rename(&aside, &second).unwrap();
    world.app.retry_job(id, false).await.unwrap();
    while let Some((queue, data)) = world.mailbox.take() {
        assert_eq!(queue, EVENTS, "nothing is sent again");
        world.deliver(&queue, &data).await;
    }
    assert_eq!((world.state(id).await, left().await), (JobState::Done, 0));
    for (record, day) in records.into_iter().zip(1..) {
        assert_eq!(world.pixels(record).await, Scene::new(day).pixels());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_are_not_swapped_while_a_task_is_not_done() {
    for state in [TaskState::Failed, TaskState::Pending] {
        let Some(world) = World::new().await else {
            return;
        };
        let added = world.add(1, Scene::new(1)).await;
        let new = world.consolidation("job", &[added.record]);
        let id = world.app.consolidate(new).await.unwrap();
        let mut written = false;
        while let Some((queue, data)) = world.mailbox.take() {
            world.deliver(&queue, &data).await;
            // the result of the only task was handled
            if written && queue == EVENTS {
                written = false;
                let other = Task::new(domain::TaskId::new(), id, Vec::new());
                let mut connection = world.database.db.read().await.unwrap();
                database::task::insert(&mut connection, &[Task { state, ..other }])
                    .await
                    .unwrap();
            }
            written |= queue == ORDERS;
        }
        let job = world.job(id).await;
        assert_ne!(job.job.state, JobState::Done);
        let logs = job.logs.join("\n");
        assert!(logs.contains("the datasets are not swapped"), "{logs}");
        assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
        assert!(added.file.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_fails_the_job_with_its_reason() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, order) = order(&world, 1).await;
    let before = world.files();
    world.deliver(ORDERS, &order).await;
    let written = world
        .files()
        .into_iter()
        .find(|file| !before.contains(file));
    let uri = domain::Uri::parse(written.unwrap().to_str().unwrap()).unwrap();
    // whoever wants to index the file waits
    let mut tx = world.database.db.begin().await.unwrap();
    let class = domain::StorageClass::Standard;
    database::container::lock_or_create(&mut tx, &uri, true, class)
        .await
        .unwrap();
    let hasty = world.hasty(Duration::from_millis(400)).await;
    while let Some((_, data)) = world.mailbox.take() {
        let answer = hasty.receive(&data, Some(1)).await;
        assert_eq!(answer, PushAnswer::Done);
    }
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::ConsolidationFailed);
    let logs = job.logs.join("\n");
    assert!(logs.contains("statement timeout"), "{logs}");
    tx.rollback().await.unwrap();
    world.app.retry_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn s39_an_event_whose_job_is_locked_is_delivered_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = world.consolidation("job", &[added.record]);
    let id = world.app.consolidate(new).await.unwrap();
    let (_, data) = world.mailbox.take().unwrap();
    let mut tx = world.database.db.begin().await.unwrap();
    database::job::get_for_update(&mut tx, id).await.unwrap();
    let hasty = world.hasty(Duration::from_millis(300)).await;
    for (delivery_count, seconds) in [(1, 2), (3, 8)] {
        let answer = hasty.receive(&data, Some(delivery_count)).await;
        let PushAnswer::Retry { after, reason } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(after, Duration::from_secs(seconds), "{reason}");
        assert!(reason.contains("statement timeout"), "{reason}");
    }
    tx.rollback().await.unwrap();
    assert_eq!(world.state(id).await, JobState::New);
    assert_eq!(world.deliver(EVENTS, &data).await, PushAnswer::Done);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_end_for_now_tells_its_reason_once_a_minute() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let (id, message) = order(&world, 1).await;
    world.deliver(ORDERS, &message).await;
    let (_, result) = world.mailbox.take().unwrap();
    world.deliver(EVENTS, &result).await;
    // the file is there, but the service cannot see it
    let (_, data) = world.mailbox.take().unwrap();
    let away = std::sync::Arc::new(crate::world::Faulty::new(1));
    away.percent.store(100, Ordering::SeqCst);
    let folder = domain::Uri::parse(world.folder.path().join("data").to_str().unwrap()).unwrap();
    world.moved(away, &folder, &folder);
    for _ in 0..4 {
        let answer = world.deliver(EVENTS, &data).await;
        assert!(matches!(answer, PushAnswer::Retry { .. }), "{answer:?}");
    }
    let told = |job: &app::job::JobSnapshot| {
        let lines = job.logs.iter();
        let lines = lines.filter(|line| line.contains("to be tried again"));
        lines.cloned().collect::<Vec<_>>()
    };
    let job = world.job(id).await;
    let lines = told(&job);
    assert!((1..=4).contains(&lines.len()), "{:#?}", job.logs);
    let mut texts: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split_once("the storage"))
        .collect();
    texts.sort_unstable();
    texts.dedup_by_key(|(_, text)| *text);
    assert_eq!(texts.len(), lines.len(), "{lines:#?}");
    assert!(lines[0].contains("WARN"), "{lines:?}");
    let before = "UPDATE geocube.job_logs SET time = time - interval '61 s'";
    world.database.run(&[before]).await;
    for _ in 0..4 {
        world.deliver(EVENTS, &data).await;
    }
    assert!(told(&world.job(id).await).len() > lines.len());
}
