//! Jobs that pause.

use crate::world::{ORDERS, Scene, World};
use app::job::{NewConsolidation, NewDeletion};
use domain::JobId;
use domain::job::{ExecutionLevel, JobState};
use std::collections::BTreeSet;

/// Lets a job go on at each pause; the states of the pauses.
async fn pauses(world: &World, id: JobId) -> Vec<JobState> {
    let mut pauses = Vec::new();
    loop {
        world.deliver_all().await;
        let job = world.job(id).await.job;
        if !job.waiting {
            return pauses;
        }
        pauses.push(job.state);
        world.app.continue_job(id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consolidations_pause_after_their_level() {
    use JobState::{
        ConsolidationDone, ConsolidationEffective, ConsolidationInProgress, ConsolidationIndexed,
        Created,
    };
    let Some(world) = World::new().await else {
        return;
    };
    for (level, expected) in [
        (ExecutionLevel::Asynchronous, &[][..]),
        (
            ExecutionLevel::StepByStepCritical,
            &[ConsolidationInProgress, ConsolidationEffective],
        ),
        (
            ExecutionLevel::StepByStepMajor,
            &[
                Created,
                ConsolidationInProgress,
                ConsolidationDone,
                ConsolidationEffective,
            ],
        ),
        (
            ExecutionLevel::StepByStepAll,
            &[
                Created,
                ConsolidationInProgress,
                ConsolidationDone,
                ConsolidationIndexed,
                ConsolidationEffective,
            ],
        ),
    ] {
        let added = world.add(level.number() as u32, Scene::new(1)).await;
        let new = NewConsolidation {
            level,
            ..world.consolidation(level.name(), &[added.record])
        };
        let id = world.app.consolidate(new).await.unwrap();
        assert_eq!(pauses(&world, id).await, expected, "{level}");
        assert_eq!(world.state(id).await, JobState::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_pause_after_their_level() {
    use JobState::{Created, DeletionEffective, DeletionInProgress};
    let Some(world) = World::new().await else {
        return;
    };
    for (level, expected) in [
        (ExecutionLevel::Asynchronous, &[][..]),
        (ExecutionLevel::StepByStepCritical, &[DeletionInProgress]),
        (
            ExecutionLevel::StepByStepMajor,
            &[Created, DeletionInProgress, DeletionEffective],
        ),
        (
            ExecutionLevel::StepByStepAll,
            &[Created, DeletionInProgress, DeletionEffective],
        ),
    ] {
        let added = world.add(level.number() as u32, Scene::new(1)).await;
        let new = NewDeletion {
            name: level.name().to_owned(),
            records: vec![added.record],
            instances: Vec::new(),
            patterns: Vec::new(),
            level,
        };
        let job = world.app.delete_datasets(new).await.unwrap().job;
        assert_eq!(pauses(&world, job.id).await, expected, "{level}");
        assert_eq!(world.state(job.id).await, JobState::Done);
        assert!(!added.file.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_sent_after_the_pause_only() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let level = ExecutionLevel::StepByStepCritical;
    let new = NewConsolidation {
        level,
        ..world.consolidation("job", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await.job;
    assert_eq!(
        (job.state, job.waiting),
        (JobState::ConsolidationInProgress, true)
    );
    assert!(world.mailbox.waiting(ORDERS).is_empty());

    world.app.continue_job(id).await.unwrap();
    let (queue, data) = world.mailbox.take().unwrap();
    world.deliver(&queue, &data).await;
    let job = world.job(id).await.job;
    assert_eq!((job.waiting, job.counters.active), (false, 1));
    assert_eq!(world.mailbox.waiting(ORDERS).len(), 1);
    let tasks = "SELECT state::text FROM geocube.tasks";
    assert_eq!(world.database.texts(tasks).await, ["PENDING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_datasets_stay_hidden_until_the_swap() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let level = ExecutionLevel::StepByStepAll;
    let new = NewConsolidation {
        level,
        ..world.consolidation("job", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    let mut seen = BTreeSet::new();
    loop {
        world.deliver_all().await;
        let job = world.job(id).await.job;
        let visible = world.visible().await;
        assert_eq!(visible[0].sources.len(), 1);
        let is_new = visible[0].sources[0].uri != added.uri;
        let swapped = matches!(job.state, JobState::ConsolidationEffective | JobState::Done);
        assert_eq!(is_new, swapped, "{}", job.state);
        assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
        seen.insert(job.state.name());
        if !job.waiting {
            break;
        }
        world.app.continue_job(id).await.unwrap();
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_at_its_first_pause_pauses_again_before_it_fails() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = NewConsolidation {
        level: ExecutionLevel::StepByStepAll,
        ..world.consolidation("job", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    let mut pauses = Vec::new();
    for step in 0..3 {
        world.deliver_all().await;
        let job = world.job(id).await.job;
        pauses.push((job.state, job.waiting));
        match step {
            0 => world.app.cancel_job(id, false).await.unwrap(),
            1 => world.app.continue_job(id).await.unwrap(),
            _ => {}
        }
    }
    let expected = [
        (JobState::Created, true),
        (JobState::Aborted, true),
        (JobState::Failed, false),
    ];
    assert_eq!(pauses, expected);
    assert_eq!(world.locked(&[id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_cancelled_at_its_first_pause_deletes_nothing() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = NewDeletion {
        name: "job".to_owned(),
        records: vec![added.record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::StepByStepAll,
    };
    let id = world.app.delete_datasets(new).await.unwrap().job.id;
    let mut pauses = Vec::new();
    for step in 0..3 {
        world.deliver_all().await;
        let job = world.job(id).await.job;
        pauses.push((job.state, job.waiting));
        match step {
            0 => world.app.cancel_job(id, false).await.unwrap(),
            1 => world.app.continue_job(id).await.unwrap(),
            _ => {}
        }
    }
    let expected = [
        (JobState::Created, true),
        (JobState::Aborted, true),
        (JobState::Failed, false),
    ];
    assert_eq!(pauses, expected);
    assert_eq!(world.locked(&[id]).await, 0);
    assert!(added.file.exists());
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_each_record_of_a_file_becomes_a_hidden_dataset_of_its_own_directory() {
    for (count, expected) in [
        (1, &[""][..]),
        (3, &["GTIFF_DIR:1", "GTIFF_DIR:2", "GTIFF_DIR:3"]),
    ] {
        let Some(world) = World::new().await else {
            return;
        };
        let mut records = Vec::new();
        for day in 1..=count {
            records.push(world.add(day, Scene::new(day)).await.record);
        }
        let new = NewConsolidation {
            level: ExecutionLevel::StepByStepAll,
            ..world.consolidation("job", &records)
        };
        let id = world.app.consolidate(new).await.unwrap();
        loop {
            world.deliver_all().await;
            if world.state(id).await == JobState::ConsolidationIndexed {
                break;
            }
            world.app.continue_job(id).await.unwrap();
        }
        let query = format!(
            "SELECT d.subdir || ' ' || d.status || ' ' || l.flag FROM geocube.locked_datasets l
             JOIN geocube.datasets d ON d.id = l.dataset_id
             WHERE l.job_id = '{id}' AND d.status <> 'ACTIVE' ORDER BY d.creation_order"
        );
        let found = world.database.texts(&query).await;
        let flag = database::lock::LockFlag::New as i32;
        let expected: Vec<String> = expected
            .iter()
            .map(|subdir| format!("{subdir} INACTIVE {flag}"))
            .collect();
        assert_eq!(found, expected);
    }
}
