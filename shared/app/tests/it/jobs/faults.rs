//! Jobs over a storage that fails now and then.

use crate::world::{EVENTS, Faulty, Scene, World};
use app::job::{JobSnapshot, PushAnswer};
use domain::job::JobState;
use domain::{JobId, Uri};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use storage::{AllowedRoots, LocalStorage, RetryBudget, Retrying};

/// Over a storage that fails so often, with or without the retries that object stores have.
async fn world(percent: u64, patient: bool) -> Option<(World, Arc<Faulty>)> {
    let mut world = World::new().await?;
    let roots = AllowedRoots::Below(vec![world.folder.path().to_owned()]);
    let seed = percent * 2 + u64::from(patient);
    let faulty = Arc::new(Faulty::new(LocalStorage::new(roots), percent, seed));
    let place = |name: &str| Uri::parse(world.folder.path().join(name).to_str().unwrap()).unwrap();
    let (outputs, inputs) = (place("data/outputs"), place("data"));
    if patient {
        let budget = RetryBudget {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(4),
            ..RetryBudget::default()
        };
        world.moved(
            Arc::new(Retrying::new(faulty.clone(), budget)),
            &outputs,
            &inputs,
        );
    } else {
        world.moved(faulty.clone(), &outputs, &inputs);
    }
    Some((world, faulty))
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
        assert!(queue == EVENTS || queue == crate::world::ORDERS);
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

#[tokio::test(flavor = "multi_thread")]
async fn no_pixel_is_wrong_and_jobs_end_or_say_why_however_often_the_storage_fails() {
    for (percent, patient) in [(1, true), (5, true), (20, true), (5, false), (20, false)] {
        let Some((world, faulty)) = world(percent, patient).await else {
            return;
        };
        let mut added = Vec::new();
        for day in 1..=3 {
            added.push(world.add(day, Scene::new(day)).await);
        }
        let records: Vec<_> = added.iter().map(|added| added.record).collect();
        let new = world.consolidation("job", &records);
        let id = world.app.consolidate(new).await.unwrap();
        let (state, failures) = end_of(&world, id).await;
        assert_eq!(state, JobState::Done, "{percent} %");
        for deletion in world.deletions().await {
            let (state, _) = end_of(&world, deletion.job.id).await;
            assert_eq!(state, JobState::Done, "{percent} %");
        }
        for failed in &failures {
            let says = failed.logs.iter().any(|line| line.contains("ERROR"));
            assert!(says, "{percent} %: {:#?}", failed.logs);
        }
        for (added, day) in added.iter().zip(1..) {
            let pixels = world.pixels(added.record).await;
            assert_eq!(pixels, Scene::new(day).pixels(), "{percent} %, day {day}");
        }
        for _ in 0..40 {
            world.app.sweep(&super::at_once()).await.unwrap();
            deliver_patiently(&world).await;
        }
        assert_eq!(world.files().len(), 1, "{percent} %: {:?}", world.files());
        if percent >= 5 {
            assert!(faulty.faults.load(Ordering::SeqCst) > 0);
        }
        eprintln!(
            "{percent} % patient={patient}: {} faults, {} failures of the job",
            faulty.faults.load(Ordering::SeqCst),
            failures.len()
        );
    }
}
