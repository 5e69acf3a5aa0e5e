//! Consolidations that go well.

use crate::world::{Scene, World, create_layout};
use app::job::NewConsolidation;
use domain::job::JobState;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn two_datasets_become_one_file_and_the_former_ones_disappear() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let records = [first.record, second.record];
    let before = [
        world.pixels(first.record).await,
        world.pixels(second.record).await,
    ];
    assert_eq!(before, [Scene::new(1).pixels(), Scene::new(2).pixels()]);

    let started = Instant::now();
    let id = world
        .app
        .consolidate(world.consolidation("job", &records))
        .await
        .unwrap();
    world.deliver_all().await;
    eprintln!("two datasets: {:?}", started.elapsed());

    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    let visible = world.visible().await;
    assert_eq!(visible.len(), 2);
    for (number, found) in visible.iter().enumerate() {
        assert_eq!(found.sources.len(), 1);
        let source = &found.sources[0];
        assert_eq!(source.subdir, format!("GTIFF_DIR:{}", number + 1));
        assert!(
            source.uri.as_str().contains("/data/tiles/0/0/"),
            "{}",
            source.uri
        );
    }
    let after = [
        world.pixels(first.record).await,
        world.pixels(second.record).await,
    ];
    assert_eq!(after, before);

    // the former files are gone, and nothing but the new one is there
    let files = world.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(
        files[0].to_str().unwrap(),
        visible[0].sources[0].uri.as_str()
    );
    let deletions = world.deletions().await;
    assert_eq!(deletions.len(), 1);
    assert_eq!(
        deletions[0].job.state,
        JobState::Done,
        "{:#?}",
        deletions[0].logs
    );
    assert!(deletions[0].job.name.starts_with("job_deletion_"));
    assert_eq!(world.locked(&[id, deletions[0].job.id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_tell_what_clients_look_for() {
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
    let logs = world.job(id).await.logs.join("\n");
    for expected in [
        "DEBUG | Status: CREATED - Message: Prepare 1 container(s) with 1 record(s) and 1 dataset(s) (Cell:0/0, geographic: [[",
        "DEBUG | Status: CONSOLIDATIONINPROGRESS - Message: TaskEvt received with status TaskSuccessful (id:",
        "Create a deletion job to delete 1 dataset(s): job_deletion_",
    ] {
        assert!(logs.contains(expected), "{expected}\n{logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_delivered_three_times_changes_nothing() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let records = [first.record, second.record];
    let id = world
        .app
        .consolidate(world.consolidation("job", &records))
        .await
        .unwrap();
    world.deliver_all_times(3).await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.visible().await.len(), 2);
    assert_eq!(world.files().len(), 1);
    assert_eq!(world.deletions().await.len(), 1);
    assert_eq!(world.pixels(first.record).await, Scene::new(1).pixels());
    let entered = world
        .job(id)
        .await
        .logs
        .iter()
        .filter(|line| line.contains("Enter DONE"))
        .count();
    assert_eq!(entered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_one_record_has_no_directories() {
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
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.visible().await[0].sources[0].subdir, "");
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_over_four_cells_becomes_four_files() {
    let Some(world) = World::new().await else {
        return;
    };
    let scene = Scene::shifted(3, 32, 16);
    let added = world.add(1, scene).await;
    let before = world.pixels(added.record).await;
    assert!(before.iter().any(|pixel| *pixel != 0));
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.visible().await[0].sources.len(), 4);
    assert_eq!(world.files().len(), 4);
    assert_eq!(world.pixels(added.record).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_consolidated_already_is_left_alone() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    world
        .app
        .consolidate(world.consolidation("first", &[added.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    let files = world.files();

    let id = world
        .app
        .consolidate(world.consolidation("second", &[added.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert_eq!(world.files(), files);
    assert_eq!(world.deletions().await.len(), 1, "that of the first job");
    assert_eq!(world.locked(&[id]).await, 0);
    assert_eq!(world.visible().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_full_is_completed_and_a_full_one_stays() {
    let Some(world) = World::new().await else {
        return;
    };
    create_layout(&world.app, "pairs", 2).await;
    let mut records = Vec::new();
    for day in 1..=3 {
        records.push(world.add(day, Scene::new(day)).await.record);
    }
    let job = |name: &str| NewConsolidation {
        layout: "pairs".to_owned(),
        ..world.consolidation(name, &records)
    };
    world.app.consolidate(job("first")).await.unwrap();
    world.deliver_all().await;
    let full = world.visible().await[0].sources[0].uri.clone();
    assert_eq!(world.files().len(), 2);

    let fourth = world.add(4, Scene::new(4)).await.record;
    let mut second = job("second");
    second.selection = domain::RecordSelection::Filters(domain::RecordFilters::default());
    let id = world.app.consolidate(second).await.unwrap();
    world.deliver_all().await;
    assert_eq!(
        world.state(id).await,
        JobState::Done,
        "{:#?}",
        world.job(id).await.logs
    );
    let visible = world.visible().await;
    assert_eq!(visible.len(), 4);
    assert_eq!(
        [&visible[0].sources[0].uri, &visible[1].sources[0].uri],
        [&full, &full]
    );
    assert_eq!(visible[2].sources[0].uri, visible[3].sources[0].uri);
    assert_eq!(world.files().len(), 2);
    for (record, seed) in records.into_iter().chain([fourth]).zip(1..) {
        assert_eq!(world.pixels(record).await, Scene::new(seed).pixels());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_merged_into_one_stay_beside_it() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let merged = world.record(3).await;
    let records = [first.record, second.record];
    let job = |name: &str| NewConsolidation {
        collapse: Some(merged),
        ..world.consolidation(name, &records)
    };
    let id = world.app.consolidate(job("job")).await.unwrap();
    world.deliver_all().await;
    assert_eq!(
        world.state(id).await,
        JobState::Done,
        "{:#?}",
        world.job(id).await.logs
    );
    let visible = world.visible().await;
    assert_eq!(visible.len(), 3);
    assert!(
        visible[2].sources[0]
            .uri
            .as_str()
            .contains(&merged.to_string())
    );
    assert!(world.deletions().await.is_empty());
    assert_eq!(world.locked(&[id]).await, 0);
    // the later record lies on top
    assert_eq!(world.pixels(merged).await, Scene::new(2).pixels());

    let again = world.app.consolidate(job("again")).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(again).await, JobState::InitialisationFailed);
}
