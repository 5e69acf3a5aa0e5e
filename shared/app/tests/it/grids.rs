//! Grids that callers store.

use app::{App, Engine, Limits, NewCell, NewGrid, Options, PathPolicy};
use database::testing::TestDatabase;
use domain::{Point, Ring};
use messaging::MemoryQueue;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const BUDGET: u64 = 64 << 20;

fn app(database: &TestDatabase, engine: Engine) -> App {
    let options = Options {
        limits: Limits::default(),
        paths: PathPolicy::default(),
        workers: 1,
        ingestion_storage: None,
        cancelled_jobs: None,
        events_queue: "events".to_owned(),
        orders_queue: "orders".to_owned(),
        tidy_min_age: Duration::ZERO,
    };
    let storage = Arc::new(storage::Router::new());
    let queue = Arc::new(MemoryQueue::new());
    App::new(database.db.clone(), storage, queue, engine, options)
}

#[tokio::test]
async fn a_grid_waits_for_its_share_of_the_memory() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    let engine = Engine::new(1, BUDGET);
    let app = app(&database, engine.clone());
    let cell = NewCell {
        id: "c".to_owned(),
        crs: "EPSG:32631".into(),
        outline: Ring::rectangle(Point::new(2., 45.), Point::new(3., 46.)),
    };
    let (mut grid, limits) = (NewGrid::default(), Limits::default());
    grid.add("g".to_owned(), String::new(), vec![cell], &limits)
        .unwrap();
    let all = engine.reserve(BUDGET).await.unwrap();
    let mut creation = pin!(app.create_grid(grid));
    let early = timeout(Duration::from_millis(300), &mut creation).await;
    assert!(early.is_err(), "{early:?}");
    drop(all);
    creation.await.unwrap();
    let stored = app.list_grids(None).await.unwrap();
    assert_eq!(stored.len(), 1);
}
