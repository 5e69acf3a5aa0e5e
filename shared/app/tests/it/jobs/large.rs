//! Jobs of many tasks. `GEOCUBE_CHAOS_CELL`, the side of a cell in pixels, makes them larger.

use crate::world::{EVENTS, ORDERS, SIDE, Scene, World, create_layout_of};
use app::job::NewConsolidation;
use domain::job::{JobState, Message, TaskEvent, TaskStatus, parse_message};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Counts the statements that the database is asked to carry out.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl Statements {
    /// Those since the last time.
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What the steps of a job ask of the database, in statements.
#[derive(Debug)]
struct Cost {
    tasks: usize,
    planning: usize,
    sending: usize,
    results: usize,
}

/// CPU time of this process in milliseconds.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // user and system, in hundredths of a second
    10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
}

/// Does something and says what it cost.
async fn measured(what: &str, statements: &Statements, work: impl Future<Output = ()>) -> usize {
    statements.take();
    let (begun, cpu) = (Instant::now(), cpu_ms());
    work.await;
    let count = statements.take();
    let (time, cpu) = (begun.elapsed(), cpu_ms() - cpu);
    eprintln!("{what}: {count} statements, {time:?}, {cpu} ms CPU of this process");
    count
}

/// Delivers the next event of a job.
async fn deliver_one(world: &World) {
    let (queue, data) = world.mailbox.take().unwrap();
    assert_eq!(queue, EVENTS);
    world.deliver(&queue, &data).await;
}

/// Plans a job with cells of so many pixels, sends its orders, and tells it that all are done.
async fn run(world: &World, statements: &Statements, day: u32, cell: u32) -> Cost {
    let added = world.add(day, Scene::new(day)).await;
    let layout = format!("cells-{cell}");
    create_layout_of(&world.app, &layout, cell, 10).await;
    let new = NewConsolidation {
        layout: layout.clone(),
        ..world.consolidation(&layout, &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    let planning = measured("planning", statements, deliver_one(world)).await;
    assert_eq!(world.state(id).await, JobState::Created);
    let sending = measured("sending", statements, deliver_one(world)).await;
    assert_eq!(world.state(id).await, JobState::ConsolidationInProgress);
    let orders = world.mailbox.waiting(ORDERS);
    while world.mailbox.take().is_some() {}
    let tell = async {
        for order in &orders {
            let Message::Order(order) = parse_message(order).unwrap() else {
                panic!("no order")
            };
            let event = TaskEvent {
                job_id: order.job_id,
                task_id: order.task_id,
                status: TaskStatus::TaskSuccessful,
                error: String::new(),
                attempt: order.attempt,
                run_id: None,
            };
            world.app.handle_task_event(event).await.unwrap();
        }
    };
    let results = measured("results", statements, tell).await;
    assert_eq!(world.job(id).await.job.counters.active, 0);
    while world.mailbox.take().is_some() {}
    Cost {
        tasks: orders.len(),
        planning,
        sending,
        results,
    }
}

// one thread of one process, so that every statement of it is counted and no other one
#[tokio::test]
async fn the_statements_of_a_job_are_bounded_however_many_tasks_it_has() {
    let Some(world) = World::new().await else {
        return;
    };
    let statements = Statements::default();
    let _guard = tracing::subscriber::set_default(statements.clone());
    let small = run(&world, &statements, 1, SIDE / 4).await;
    let cell = std::env::var("GEOCUBE_CHAOS_CELL").ok();
    let cell = cell.map_or(SIDE / 16, |text| text.parse().unwrap());
    let large = run(&world, &statements, 2, cell).await;
    assert!(
        small.tasks >= 16 && large.tasks > 2 * small.tasks,
        "{large:?}"
    );
    assert!(small.planning > 0 && small.results > 0, "{small:?}");
    // a cell is planned by a bounded number of reads; what is stored is one transaction of as many statements as ever
    let cells = large.tasks - small.tasks;
    assert!(
        large.planning - small.planning <= 4 * cells,
        "{small:?} {large:?}"
    );
    // a chunk of orders is read, updated and posted together
    let chunks = large.tasks.div_ceil(200);
    assert!(
        large.sending <= small.sending + 8 * chunks,
        "{small:?} {large:?}"
    );
    assert!(large.results <= 12 * large.tasks, "{small:?} {large:?}");
}
