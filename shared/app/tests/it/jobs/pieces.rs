//! Jobs of so many tasks that they are planned and sent in pieces.

use crate::world::{EVENTS, ORDERS, SIDE, Scene, World, create_layout_of};
use app::job::{NewConsolidation, PushAnswer};
use domain::JobId;
use domain::job::{JobState, Message, parse_message};
use std::collections::BTreeSet;

/// Side of a cell in pixels: more than two pieces of 200 tasks are needed to cover an image.
const CELL: u32 = SIDE / 22;

/// The second piece of tasks does not get to the database.
fn break_second_piece(error_code: &str) -> String {
    format!(
        "CREATE FUNCTION geocube.break() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF EXISTS (SELECT FROM geocube.planned_tasks) THEN
                 RAISE EXCEPTION 'broken' USING ERRCODE = '{error_code}';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER break BEFORE INSERT ON geocube.planned_tasks
             FOR EACH STATEMENT EXECUTE FUNCTION geocube.break();"
    )
}

const MEND: &str = "DROP TRIGGER break ON geocube.planned_tasks; DROP FUNCTION geocube.break();";

async fn count(world: &World, table: &str) -> usize {
    let query = format!("SELECT count(*)::text FROM geocube.{table}");
    world.database.texts(&query).await[0].parse().unwrap()
}

/// A job that is to be planned, and the event that it waits for.
async fn created(world: &World) -> (JobId, Vec<u8>) {
    let added = world.add(1, Scene::new(1)).await;
    create_layout_of(&world.app, "small", CELL, 10).await;
    let new = NewConsolidation {
        layout: "small".to_owned(),
        ..world.consolidation("large", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    (id, next(world))
}

/// The next message, which is an event.
fn next(world: &World) -> Vec<u8> {
    let (queue, data) = world.mailbox.take().unwrap();
    assert_eq!(queue, EVENTS);
    data.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planning_that_breaks_between_two_pieces_leaves_nothing_half() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, event) = created(&world).await;
    // the connection is lost
    world.database.run(&[&break_second_piece("57P01")]).await;
    let answer = world.deliver(EVENTS, &event).await;
    assert!(matches!(answer, PushAnswer::Retry { .. }), "{answer:?}");
    assert_eq!(count(&world, "planned_tasks").await, 200);
    assert_eq!(count(&world, "tasks").await, 0);
    assert_eq!(world.job(id).await.job.counters.active, 0);

    world.database.run(&[MEND]).await;
    assert_eq!(world.deliver(EVENTS, &event).await, PushAnswer::Done);
    let tasks = count(&world, "tasks").await;
    assert!(tasks > 400, "{tasks} tasks");
    assert_eq!(count(&world, "planned_tasks").await, 0);
    assert_eq!(world.job(id).await.job.counters.active as usize, tasks);

    assert_eq!(world.deliver(EVENTS, &next(&world)).await, PushAnswer::Done);
    assert_eq!(world.state(id).await, JobState::ConsolidationInProgress);
    let orders = world.mailbox.waiting(ORDERS);
    let files = orders.iter().map(|order| match parse_message(order) {
        Ok(Message::Order(order)) => order.container.uri.to_string(),
        other => panic!("{other:?}"),
    });
    let files: BTreeSet<String> = files.collect();
    assert_eq!((orders.len(), files.len()), (tasks, tasks));
    let unsent = "SELECT id::text FROM geocube.outbox WHERE sent_at IS NULL";
    assert!(world.database.texts(unsent).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_planning_broke_between_two_pieces_is_cancelled_without_a_trace() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, event) = created(&world).await;
    // a fault that no other try would cure
    world.database.run(&[&break_second_piece("22000")]).await;
    assert_eq!(world.deliver(EVENTS, &event).await, PushAnswer::Done);
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::InitialisationFailed);
    assert_eq!(count(&world, "planned_tasks").await, 200);
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(count(&world, "planned_tasks").await, 0);
    assert_eq!(count(&world, "tasks").await, 0);
    assert_eq!(world.locked(&[id]).await, 0);
}
