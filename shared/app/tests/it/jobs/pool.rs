//! As few connections as a service accepts.

use super::at_once;
use crate::world::{Scene, World};
use app::{App, Engine};
use database::{Database, LEAST_CONNECTIONS, PoolOptions};
use domain::job::JobState;
use domain::{AoiGeometry, Point, Ring};
use runtime::config::SweepFlags;
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage};
use tokio_util::sync::CancellationToken;

/// The service of a world, by as few connections as it accepts.
async fn narrow(world: &World) -> App {
    let options = PoolOptions {
        max_connections: LEAST_CONNECTIONS,
        acquire_timeout: Duration::from_secs(10),
        ..PoolOptions::default()
    };
    let database = Database::connect(&world.database.url(), &options)
        .await
        .unwrap();
    let roots = AllowedRoots::Below(vec![world.folder.path().to_owned()]);
    App::new(
        database,
        Arc::new(LocalStorage::new(roots)),
        world.mailbox.clone(),
        Engine::new(2, 1 << 28),
        world.app.options().clone(),
    )
}

fn area(number: i32) -> AoiGeometry {
    let east = 1.0 + f64::from(number) / 100.0;
    let ring = Ring::rectangle(Point::new(0.0, 0.0), Point::new(east, 1.0));
    AoiGeometry::try_new(ring.into(), 100).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_sweeps_and_writes_together_need_no_more_than_the_fewest_connections() {
    let Some(mut world) = World::new().await else {
        return;
    };
    world.app = narrow(&world).await;
    let added = world.add(1, Scene::new(1)).await;
    world.mailbox.set_away(true);
    let new = world.consolidation("job", &[added.record]);
    let id = world.app.consolidate(new).await.unwrap();
    world.mailbox.set_away(false);
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.messages, 1);

    let stop = CancellationToken::new();
    let thresholds = SweepFlags::default().thresholds(true);
    let mut others = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (app, stop) = (world.app.clone(), stop.clone());
        others.spawn(async move {
            let mut sweeps = 0;
            while !stop.is_cancelled() {
                app.sweep(&thresholds).await.unwrap();
                sweeps += 1;
            }
            sweeps
        });
    }
    let (app, stopping) = (world.app.clone(), stop.clone());
    others.spawn(async move {
        let mut writes = 0;
        while !stopping.is_cancelled() {
            app.create_aoi(area(writes)).await.unwrap();
            writes += 1;
        }
        writes
    });
    world.deliver_all().await;
    stop.cancel();
    assert!(others.join_all().await.iter().all(|count| *count > 0));
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_keeps_out_of_the_way_of_another_one() {
    let Some(world) = World::new().await else {
        return;
    };
    let mut other = world.database.db.begin().await.unwrap();
    assert!(database::outbox::try_sweep_lock(&mut other).await.unwrap());
    assert_eq!(world.app.sweep(&at_once()).await.unwrap(), None);
    other.rollback().await.unwrap();
    assert!(world.app.sweep(&at_once()).await.unwrap().is_some());
}
