//! Files that dead workers leave.

use super::worker::{order, seize};
use crate::world::{Stall, World};
use domain::Uri;
use domain::job::{JobState, Message, parse_message};
use runtime::config::Sweep;
use std::time::Duration;

/// A part file and its note, as a worker leaves them that is killed after its upload.
async fn killed_after_upload(world: &World, day: u32) -> (domain::JobId, bytes::Bytes, Uri) {
    let (id, order) = order(world, day).await;
    world.killed_worker(&order, Stall::AfterUpload).await;
    let Message::Order(decoded) = parse_message(&order).unwrap() else {
        panic!("no order")
    };
    (id, order, decoded.container.uri)
}

fn parts(world: &World) -> usize {
    let files = world.files();
    let is_part = |file: &&std::path::PathBuf| file.extension().is_some_and(|kind| kind == "part");
    files.iter().filter(is_part).count()
}

async fn end_leases(world: &World) {
    let sql = "UPDATE geocube.task_leases SET lease_until = clock_timestamp() - interval '1 s', run_id = gen_random_uuid()
               WHERE status = 'RUNNING'";
    world.database.run(&[sql]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_files_of_dead_workers_are_swept_after_their_time() {
    let Some(world) = World::new().await else {
        return;
    };
    killed_after_upload(&world, 1).await;
    let soon = super::at_once();
    let now = Sweep {
        delete_part_after: Duration::ZERO,
        ..soon
    };
    assert_eq!(parts(&world), 1);
    world.app.sweep(&now).await.unwrap();
    assert_eq!(parts(&world), 1, "its worker may be alive");
    end_leases(&world).await;
    world.app.sweep(&soon).await.unwrap();
    assert_eq!(parts(&world), 1, "it is not old enough");
    let swept = world.app.sweep(&now).await.unwrap().unwrap();
    assert_eq!((parts(&world), swept.files), (0, 1));
    let swept = world.app.sweep(&now).await.unwrap().unwrap();
    assert_eq!(swept.files, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_after_the_rollback_of_its_job_is_swept() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, _, target) = killed_after_upload(&world, 1).await;
    end_leases(&world).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    // it was asleep between its last look at the lease and the move
    let target = target.local_path().unwrap().to_owned();
    let mut files = world.files().into_iter();
    let part = files.find(|file| file.extension().is_some_and(|kind| kind == "part"));
    std::fs::rename(part.unwrap(), &target).unwrap();
    let now = Sweep {
        delete_part_after: Duration::ZERO,
        ..super::at_once()
    };
    world.app.sweep(&now).await.unwrap();
    assert!(!target.exists());
    assert_eq!(world.files().len(), 1, "the image: {:?}", world.files());
    let cancelled = world.folder.path().join("cancelled");
    let markers = std::fs::read_dir(cancelled).map_or(0, Iterator::count);
    assert_eq!(markers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_catalogue_are_never_swept() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, first) = order(&world, 1).await;
    // a run that was replaced, and the one that replaced it
    seize(&world, &first, Duration::ZERO).await;
    world.worker.process(&first).await;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    let files = world.files();
    let now = Sweep {
        delete_part_after: Duration::ZERO,
        ..super::at_once()
    };
    for _ in 0..3 {
        world.app.sweep(&now).await.unwrap();
    }
    assert_eq!(world.files(), files);
    assert_eq!(world.visible().await.len(), 1);
}
