//! Files that are indexed while they are being deleted.

use crate::world::{Added, Gate, Scene, Stall, World};
use app::job::NewDeletion;
use app::{NewContainer, NewDataset};
use domain::job::{ExecutionLevel, JobState};
use domain::{Bands, DataMapping, Uri};
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage};

/// A service whose deletions wait at a gate.
async fn gated() -> Option<(World, Arc<Gate>)> {
    let mut world = World::new().await?;
    let folder = world.folder.path().to_owned();
    let roots = AllowedRoots::Below(vec![folder.clone()]);
    let gate = Arc::new(Gate::new(LocalStorage::new(roots), Stall::BeforeDelete));
    let data = Uri::parse(folder.join("data").to_str().unwrap()).unwrap();
    world.moved(gate.clone(), &data, &data);
    Some((world, gate))
}

fn deletion(added: &Added) -> NewDeletion {
    NewDeletion {
        name: "deletion".to_owned(),
        records: vec![added.record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::Synchronous,
    }
}

fn again(world: &World, added: &Added) -> NewContainer {
    NewContainer {
        uri: added.uri.clone(),
        managed: true,
        datasets: vec![NewDataset {
            record_id: added.record,
            instance_id: world.instance,
            subdir: String::new(),
            bands: Bands::first(1),
            mapping: DataMapping::identity(crate::world::format()),
        }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_deleted_is_not_indexed() {
    let Some((world, gate)) = gated().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let (app, new) = (world.app.clone(), deletion(&added));
    let deleting = tokio::spawn(async move { app.delete_datasets(new).await });
    // nobody knows the file any more, and it is still there
    gate.arrival().await;
    let (app, new) = (world.app.clone(), again(&world, &added));
    let mut indexing = tokio::spawn(async move { app.index(new).await });
    let waits = tokio::time::timeout(Duration::from_millis(500), &mut indexing).await;
    assert!(waits.is_err(), "{waits:?}");
    assert!(added.file.exists());

    gate.open();
    let job = deleting.await.unwrap().unwrap();
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    assert!(!added.file.exists());
    let refused = indexing.await.unwrap().unwrap_err();
    let text = format!(
        "Invalid Container.uri: {} was deleted while it was being indexed",
        added.uri
    );
    assert_eq!(refused.to_string(), text);
    assert!(world.visible().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_files_are_indexed_meanwhile() {
    let Some((world, gate)) = gated().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let (app, new) = (world.app.clone(), deletion(&added));
    let deleting = tokio::spawn(async move { app.delete_datasets(new).await });
    gate.arrival().await;
    let others = async {
        world.add(2, Scene::new(2)).await;
        world.add(3, Scene::new(3)).await
    };
    let other = tokio::time::timeout(Duration::from_secs(10), others).await;
    gate.open();
    deleting.await.unwrap().unwrap();
    let pixels = world.pixels(other.unwrap().record).await;
    assert_eq!(pixels, Scene::new(3).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_indexed_by_several_at_the_same_time() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    // somebody indexes it and takes long
    let mut tx = world.database.db.begin().await.unwrap();
    database::file_lock::share(&mut tx, &added.uri)
        .await
        .unwrap();
    let again = world.app.index(again(&world, &added));
    let indexed = tokio::time::timeout(Duration::from_secs(10), again).await;
    indexed.unwrap().unwrap();
    tx.rollback().await.unwrap();
}
