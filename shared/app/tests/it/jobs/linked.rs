//! Files of the service whose names lead through links.

use crate::world::{Scene, World};
use app::job::NewDeletion;
use domain::Uri;
use domain::job::{ExecutionLevel, JobState};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use storage::{AllowedRoots, LocalRoots, LocalStorage};

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_follows_no_link_out_of_the_managed_folders() {
    let Some(mut world) = World::new().await else {
        return;
    };
    let folder = world.folder.path().to_owned();
    let (ours, readable) = (folder.join("ours"), folder.join("readable"));
    for folder in [&ours, &readable] {
        std::fs::create_dir(folder).unwrap();
    }
    symlink(&readable, ours.join("link")).unwrap();
    let managed = Uri::parse(ours.to_str().unwrap()).unwrap();
    let storage = LocalStorage::new(LocalRoots {
        readable: AllowedRoots::Below(vec![folder]),
        writable: AllowedRoots::Below(vec![ours.clone()]),
    });
    world.moved(Arc::new(storage), &managed, &managed);

    let theirs = readable.join("a.tif");
    Scene::new(1).write(&theirs);
    let record = world.record(1).await;
    let name = ours.join("link/a.tif");
    world.index_again(record, name.to_str().unwrap()).await;
    let deletion = NewDeletion {
        name: "job".to_owned(),
        records: vec![record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::Synchronous,
    };
    let job = world.app.delete_datasets(deletion).await.unwrap();
    assert_eq!(job.job.state, JobState::DoneButUntidy, "{:#?}", job.logs);
    assert_eq!(job.job.counters.failed, 1);
    let told = job.logs.iter().any(|line| line.contains("managedPaths"));
    assert!(told, "{:#?}", job.logs);
    assert!(theirs.exists());
}
