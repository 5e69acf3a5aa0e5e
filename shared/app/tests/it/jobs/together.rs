//! Results of tasks that arrive together.

use super::worker::told;
use crate::world::{EVENTS, ORDERS, SIDE, Scene, World, create_layout_of};
use app::job::{Handled, NewConsolidation};
use bytes::Bytes;
use domain::job::{JobState, JobStatus, Message, TaskEvent, TaskStatus, parse_message};
use domain::{JobId, TaskId};
use futures::future::join_all;

/// The orders of a job of sixteen tasks.
async fn orders(world: &World) -> (JobId, Vec<Bytes>) {
    let added = world.add(1, Scene::new(1)).await;
    create_layout_of(&world.app, "quarters", SIDE / 4, 10).await;
    let new = NewConsolidation {
        layout: "quarters".to_owned(),
        ..world.consolidation("many", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    while world.state(id).await != JobState::ConsolidationInProgress {
        let (queue, data) = world.mailbox.take().unwrap();
        assert_eq!(queue, EVENTS);
        world.deliver(&queue, &data).await;
    }
    let orders = world.mailbox.waiting(ORDERS);
    assert!(orders.len() >= 16, "{} orders", orders.len());
    while world.mailbox.take().is_some() {}
    (id, orders)
}

fn success(order: &Bytes) -> TaskEvent {
    match parse_message(&told(order, TaskStatus::TaskSuccessful)).unwrap() {
        Message::Task(event) => event,
        other => panic!("{other:?}"),
    }
}

async fn row_version(world: &World, id: JobId) -> i64 {
    let mut connection = world.database.db.read().await.unwrap();
    let stored = database::job::get(&mut connection, id).await.unwrap();
    stored.row_version
}

/// The events of the job that wait.
fn follow_ups(world: &World) -> Vec<JobStatus> {
    let waiting = world.mailbox.waiting(EVENTS);
    let statuses = waiting
        .iter()
        .map(|data| match parse_message(data).unwrap() {
            Message::Job(event) => event.status,
            other => panic!("{other:?}"),
        });
    statuses.collect()
}

// on one thread all of them are there before the first one is handled
#[tokio::test]
async fn results_that_arrive_together_are_stored_by_one_transaction() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, orders) = orders(&world).await;
    let before = row_version(&world, id).await;
    let unknown = TaskEvent {
        task_id: TaskId::new(),
        ..success(&orders[0])
    };
    let twice = success(&orders[0]);
    let events: Vec<TaskEvent> = orders.iter().map(success).chain([twice, unknown]).collect();
    let handled = events
        .into_iter()
        .map(|event| world.app.handle_task_event(event));
    let mut handled = join_all(handled).await;
    let unknown = handled.pop().unwrap().unwrap_err();
    assert!(
        unknown.to_string().starts_with("Task with id: "),
        "{unknown}"
    );
    assert_eq!(handled.pop().unwrap().unwrap(), Handled::Duplicate);
    for handled in handled {
        assert_eq!(handled.unwrap(), Handled::Done);
    }
    assert_eq!(row_version(&world, id).await, before + 1);
    assert_eq!(world.job(id).await.job.counters.active, 0);
    assert_eq!(follow_ups(&world), [JobStatus::ConsolidationDone]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_results_from_everywhere_the_last_one_alone_ends_the_wait() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, orders) = orders(&world).await;
    let deliveries = orders.iter().flat_map(|order| [order, order]).map(|order| {
        let (app, event) = (world.app.clone(), success(order));
        tokio::spawn(async move { app.handle_task_event(event).await })
    });
    for handled in join_all(deliveries).await {
        let handled = handled.unwrap().unwrap();
        assert!(
            matches!(handled, Handled::Done | Handled::Duplicate),
            "{handled:?}"
        );
    }
    assert_eq!(world.job(id).await.job.counters.active, 0);
    assert_eq!(follow_ups(&world), [JobStatus::ConsolidationDone]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_deliverer_hangs_up_is_handled_with_the_others() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, orders) = orders(&world).await;
    for order in &orders {
        let handling = world.app.handle_task_event(success(order));
        // one that leads, or one that waits for it: it is asked once, and dropped
        assert!(futures::FutureExt::now_or_never(handling).is_none());
    }
    let last = world.app.handle_task_event(success(&orders[0])).await;
    assert_eq!(last.unwrap(), Handled::Duplicate);
    assert_eq!(world.job(id).await.job.counters.active, 0);
}
