//! Jobs over a storage that fails now and then.

use crate::world::{Faulty, Scene, World, create_layout};
use app::job::{JobSnapshot, NewConsolidation, PushAnswer};
use domain::job::JobState;
use domain::{JobId, RecordId, Uri};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use storage::{CacheOptions, Cached, RetryBudget, Retrying, Storage, StorageExt, UploadOptions};

/// A bucket that fails, and the way there that tries again.
struct Store {
    faulty: Arc<Faulty>,
    patient: Arc<dyn Storage>,
}

/// The raster library reads from it too.
fn store() -> Store {
    let faulty = Arc::new(Faulty::new(1));
    let budget = RetryBudget {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(4),
        ..RetryBudget::default()
    };
    let patient: Arc<dyn Storage> = Arc::new(Retrying::new(faulty.clone(), budget));
    let options = CacheOptions {
        block: 1 << 16,
        capacity: 1 << 20,
        fresh: Duration::from_mins(1),
    };
    let cached = Cached::new(patient.clone(), options);
    imaging::set_remote_store(cached, tokio::runtime::Handle::current());
    Store { faulty, patient }
}

/// A service whose files are in that bucket.
async fn world(store: &Store, name: &str, patient: bool) -> Option<World> {
    let mut world = World::new().await?;
    let place = |folder: &str| Uri::parse(format!("gs://bucket/{name}/{folder}")).unwrap();
    let way = if patient {
        store.patient.clone()
    } else {
        store.faulty.clone()
    };
    world.moved(way, &place("outputs"), &place("inputs"));
    Some(world)
}

/// An image of a day in the bucket.
async fn add(world: &World, store: &Store, name: &str, day: u32) -> RecordId {
    let file = world.folder.path().join("image.tif");
    Scene::new(day).write(&file);
    let uri = Uri::parse(format!("gs://bucket/{name}/inputs/day-{day}.tif")).unwrap();
    let options = UploadOptions::default();
    let uploaded = store.patient.upload_file(&uri, &file, &options).await;
    uploaded.unwrap();
    let record = world.record(day).await;
    world.index_again(record, uri.as_str()).await;
    record
}

/// Delivers until nothing is left; what is to be delivered again is, and what got lost is swept.
async fn deliver_patiently(world: &World) {
    for _ in 0..200 {
        let Some((queue, data)) = world.mailbox.take() else {
            return;
        };
        for _ in 0..50 {
            match world.deliver(&queue, &data).await {
                PushAnswer::Done => break,
                PushAnswer::Retry { .. } => {}
                other => panic!("{queue}: {other:?}"),
            }
        }
    }
    panic!("there is no end of messages");
}

/// Runs a job to its end as a user who tries again; what it says each time that it fails.
async fn end_of(world: &World, id: JobId) -> (JobState, Vec<JobSnapshot>) {
    let mut failures = Vec::new();
    for _ in 0..40 {
        deliver_patiently(world).await;
        let job = world.job(id).await;
        match job.job.state {
            state @ (JobState::Done | JobState::Failed) => return (state, failures),
            JobState::DoneButUntidy => {
                failures.push(job);
                world.app.retry_job(id, true).await.unwrap();
            }
            _ => {
                failures.push(job);
                world.app.retry_job(id, false).await.unwrap();
            }
        }
    }
    panic!("job {id} does not end");
}

/// Files of one image each, so that there is much to do.
async fn rewrite(world: &World, records: &[RecordId]) -> Vec<JobSnapshot> {
    create_layout(&world.app, "single", 1).await;
    let new = NewConsolidation {
        layout: "single".to_owned(),
        ..world.consolidation("job", records)
    };
    let id = world.app.consolidate(new).await.unwrap();
    let (state, mut failures) = end_of(world, id).await;
    assert_eq!(state, JobState::Done);
    for deletion in world.deletions().await {
        let (state, failed) = end_of(world, deletion.job.id).await;
        assert_eq!(state, JobState::Done);
        failures.extend(failed);
    }
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pixel_is_wrong_and_jobs_end_or_say_why_however_often_the_storage_fails() {
    let store = store();
    for (percent, patient) in [(1, true), (5, true), (20, true), (5, false), (20, false)] {
        let name = format!("{percent}-{patient}");
        let Some(world) = world(&store, &name, patient).await else {
            return;
        };
        let mut records = Vec::new();
        for day in 1..=4 {
            records.push(add(&world, &store, &name, day).await);
        }
        store.faulty.faults.store(0, Ordering::SeqCst);
        store.faulty.percent.store(percent, Ordering::SeqCst);
        let failures = rewrite(&world, &records).await;
        for failed in &failures {
            let says = failed.logs.iter().any(|line| line.contains("ERROR"));
            assert!(says, "{name}: {:#?}", failed.logs);
        }
        for (record, day) in records.iter().zip(1..) {
            let pixels = world.pixels(*record).await;
            assert_eq!(pixels, Scene::new(day).pixels(), "{name}, day {day}");
        }
        for _ in 0..10 {
            let _ = world.app.sweep(&super::at_once()).await;
            deliver_patiently(&world).await;
        }
        let faults = store.faulty.faults.load(Ordering::SeqCst);
        store.faulty.percent.store(0, Ordering::SeqCst);
        for found in world.visible().await {
            let file = &found.sources[0].uri;
            assert!(store.patient.exists(file).await.unwrap(), "{file}");
        }
        for day in 1..=4 {
            let uri = format!("gs://bucket/{name}/inputs/day-{day}.tif");
            let uri = Uri::parse(uri).unwrap();
            assert!(!store.patient.exists(&uri).await.unwrap(), "{uri}");
        }
        assert!(percent < 5 || faults > 0, "{name}: no fault");
        eprintln!("{name}: {faults} faults, {} failures", failures.len());
    }
}
