//! Consolidations of what is consolidated already, over cells that overlap.

use crate::world::{Scene, World};
use app::job::NewConsolidation;
use app::{NewCell, NewGrid};
use domain::job::JobState;
use domain::{Layout, Point, RecordFilters, RecordSelection, Ring};

/// A layout over two stored cells in two zones, which overlap within the scenes.
async fn create_overlapping(world: &World, subgrid: &[(&str, &str)]) {
    let cell = |id: &str, crs: &str, west: f64, east: f64| NewCell {
        id: id.to_owned(),
        crs: crs.into(),
        outline: Ring::rectangle(Point::new(west, 45.0), Point::new(east, 45.02)),
    };
    let mut grid = NewGrid::default();
    let cells = vec![
        cell("west", "EPSG:32631", 2.99, 3.005),
        cell("east", "EPSG:32632", 3.004, 3.02),
    ];
    grid.add(
        "zones".to_owned(),
        String::new(),
        cells,
        &app::Limits::default(),
    )
    .unwrap();
    world.app.create_grid(grid).await.unwrap();
    let parameters = [("grid", "zones"), ("resolution", "10")];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let layout = Layout {
        name: "zones".to_owned(),
        grid_flags: Vec::new(),
        grid_parameters: parameters
            .into_iter()
            .chain(subgrid.iter().copied())
            .map(owned)
            .collect(),
        block_x_size: 32,
        block_y_size: 32,
        max_records: 10,
        overviews_min_size: 32,
        interlacing_pattern: "R>Z>T>B".to_owned(),
    };
    world.app.create_layout(&layout).await.unwrap();
}

async fn consolidate(world: &World, name: &str) -> Vec<String> {
    let job = NewConsolidation {
        layout: "zones".to_owned(),
        selection: RecordSelection::Filters(RecordFilters::default()),
        ..world.consolidation(name, &[])
    };
    let id = world.app.consolidate(job).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Done, "{name}: {:#?}", job.logs);
    assert_eq!(world.locked(&[id]).await, 0);
    job.logs
}

async fn the_second_time_writes_nothing(subgrid: &[(&str, &str)]) {
    let Some(world) = World::new().await else {
        return;
    };
    create_overlapping(&world, subgrid).await;
    for day in 1..=2 {
        world.add(day, Scene::new(day)).await;
    }
    consolidate(&world, "first").await;
    let files = world.files();
    assert!(files.len() >= 2, "{files:?}");
    let pieces: Vec<usize> = world
        .visible()
        .await
        .iter()
        .map(|found| found.sources.len())
        .collect();

    for name in ["second", "third"] {
        let logs = consolidate(&world, name).await.join("\n");
        assert!(logs.contains("0 task(s) prepared"), "{subgrid:?}: {logs}");
        assert_eq!(world.files(), files, "{name}");
    }

    // a new record completes the files; those before keep their pixels
    let before = world.visible().await;
    let before_pixels = world.pixels(before[0].record.id).await;
    world.add(3, Scene::new(3)).await;
    consolidate(&world, "completed").await;
    let after = world.visible().await;
    let pieces_after: Vec<usize> = after.iter().map(|found| found.sources.len()).collect();
    assert_eq!(pieces_after[..2], pieces, "{subgrid:?}");
    assert_eq!(pieces_after[2], pieces[0], "{subgrid:?}");
    assert_eq!(world.files().len(), files.len());
    assert_eq!(world.pixels(after[0].record.id).await, before_pixels);
    let logs = consolidate(&world, "last").await.join("\n");
    assert!(logs.contains("0 task(s) prepared"), "{subgrid:?}: {logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn single_cells_that_overlap_are_written_once() {
    the_second_time_writes_nothing(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regular_cells_that_overlap_are_written_once() {
    let regular = [("subgrid", "regular"), ("cell_size", "64")];
    the_second_time_writes_nothing(&regular).await;
}
