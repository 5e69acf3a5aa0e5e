//! Removal of jobs that are over but left something behind.

use super::at_once;
use super::deletion::rollback_to_fail;
use super::failing::half_broken;
use crate::world::{Scene, World};
use app::Error;
use app::job::{NewConsolidation, NewDeletion};
use domain::job::{ExecutionLevel, JobState};

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_untidy_deletion_that_is_removed_are_swept() {
    let Some(world) = World::new().await else {
        return;
    };
    let bad = world.add(1, Scene::new(1)).await;
    // a folder is no file
    std::fs::remove_file(&bad.file).unwrap();
    std::fs::create_dir(&bad.file).unwrap();
    let new = NewDeletion {
        name: "job".to_owned(),
        records: vec![bad.record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::Synchronous,
    };
    let job = world.app.delete_datasets(new).await.unwrap().job;
    assert_eq!(job.state, JobState::DoneButUntidy);
    let removed = world.app.clean_jobs(None, "DoneButUntidy").await.unwrap();
    assert_eq!(removed, 1);
    assert!(world.app.job(job.id, 0, 0).await.is_err());

    world.app.sweep(&at_once()).await.unwrap();
    std::fs::remove_dir(&bad.file).unwrap();
    std::fs::write(&bad.file, b"").unwrap();
    let swept = world.app.sweep(&at_once()).await.unwrap().unwrap();
    assert_eq!(swept.files, 1);
    assert!(!bad.file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_rollback_that_was_given_up_are_swept_unless_somebody_reads_them() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = rollback_to_fail(&world, &added).await;
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    // a task of a file that is indexed, as after another indexing
    let known = format!(
        "INSERT INTO geocube.tasks (id, state, payload, job_id)
         VALUES (gen_random_uuid(), 'FAILED', convert_to('{}', 'UTF8'), '{id}')",
        added.uri
    );
    world.database.run(&[&known]).await;
    assert_eq!(world.app.clean_jobs(None, "failed").await.unwrap(), 1);
    let left = world.folder.path().join("data").join("folder");
    std::fs::remove_dir(&left).unwrap();
    std::fs::write(&left, b"").unwrap();
    world.app.sweep(&at_once()).await.unwrap();
    assert!(!left.exists());
    assert!(added.file.exists());
    let notes = world.database.texts("SELECT uri FROM geocube.noted_files");
    assert!(notes.await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_alone_knows_of_replaced_datasets_is_not_removed() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = NewConsolidation {
        level: ExecutionLevel::StepByStepCritical,
        ..world.consolidation("job", &[added.record])
    };
    let id = world.app.consolidate(new).await.unwrap();
    while world.state(id).await != JobState::ConsolidationEffective {
        world.deliver_all().await;
        if world.job(id).await.job.waiting
            && world.state(id).await != JobState::ConsolidationEffective
        {
            world.app.continue_job(id).await.unwrap();
        }
    }
    let failed = "UPDATE geocube.jobs SET state = 'DONEBUTUNTIDY', waiting = false";
    world.database.run(&[failed]).await;
    let error = world.app.clean_jobs(None, "DONEBUTUNTIDY").await;
    let error = error.unwrap_err();
    let told = error.to_string();
    assert!(
        matches!(error, Error::Domain(domain::Error::Precondition(_))),
        "{told}"
    );
    for part in [
        "(0 removed, 1 could not be removed)",
        &id.to_string(),
        "1 dataset(s) are still to be deleted",
    ] {
        assert!(told.contains(part), "{told}");
    }

    world.app.retry_job(id, true).await.unwrap();
    world.deliver_all().await;
    world.app.continue_job(id).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Done);
    assert!(!added.file.exists());
    assert_eq!(world.app.clean_jobs(None, "").await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_removed_job_is_left_in_the_database() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, _) = half_broken(&world).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.app.clean_jobs(None, "FAILED").await.unwrap(), 1);
    for table in [
        "jobs",
        "tasks",
        "task_leases",
        "job_logs",
        "locked_datasets",
        "processed_events",
    ] {
        let count = format!("SELECT count(*)::text FROM geocube.{table}");
        assert_eq!(world.database.texts(&count).await, ["0"], "{table}");
    }
}
