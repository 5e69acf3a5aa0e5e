//! Deletions.

use crate::world::{Scene, World};
use app::job::{JobSnapshot, NewDeletion};
use domain::job::{ExecutionLevel, JobState, Task, TaskState};
use domain::{DatasetStatus, JobId, Pattern, RecordId, TaskId};

fn deletion(name: &str, records: &[RecordId], level: ExecutionLevel) -> NewDeletion {
    NewDeletion {
        name: name.to_owned(),
        records: records.to_vec(),
        instances: Vec::new(),
        patterns: Vec::new(),
        level,
    }
}

async fn delete(world: &World, name: &str, records: &[RecordId]) -> JobSnapshot {
    let new = deletion(name, records, ExecutionLevel::Synchronous);
    world.app.delete_datasets(new).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_deletion_is_over_when_the_call_returns() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let job = delete(&world, "", &[added.record]).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    assert!(job.logs.last().unwrap().ends_with("Enter DONE"));
    let named = job
        .logs
        .iter()
        .find(|line| line.contains("Delete dataset "));
    assert!(named.unwrap().contains("DEBUG"), "{:#?}", job.logs);
    assert!(world.visible().await.is_empty());
    assert!(!added.file.exists());
    assert!(
        world.mailbox.take().is_none(),
        "nothing went through the queue"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_are_ours_and_hold_nothing_else_are_deleted() {
    let Some(world) = World::new().await else {
        return;
    };
    let ours = world.add(1, Scene::new(1)).await;
    let theirs = world.add_as(2, Scene::new(2), false).await;
    let kept = world.add(3, Scene::new(3)).await;
    let job = delete(&world, "job", &[ours.record, theirs.record]).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
    assert!(!ours.file.exists());
    assert!(theirs.file.exists());
    assert!(
        world
            .app
            .containers(&[theirs.uri.to_string()])
            .await
            .is_err(),
        "its row is gone"
    );
    assert_eq!(world.pixels(kept.record).await, Scene::new(3).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_other_datasets_stays() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    world
        .app
        .consolidate(world.consolidation("job", &[first.record, second.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    let job = delete(&world, "delete", &[first.record]).await;
    assert_eq!(job.job.state, JobState::Done);
    assert_eq!(world.files().len(), 1);
    assert_eq!(world.pixels(second.record).await, Scene::new(2).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_already_is_a_success() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    std::fs::remove_file(&added.file).unwrap();
    let job = delete(&world, "job", &[added.record]).await;
    assert_eq!(job.job.state, JobState::Done, "{:#?}", job.logs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_deleted_leaves_the_job_untidy_until_it_can() {
    let Some(world) = World::new().await else {
        return;
    };
    let good = world.add(1, Scene::new(1)).await;
    let bad = world.add(2, Scene::new(2)).await;
    // a folder is no file
    std::fs::remove_file(&bad.file).unwrap();
    std::fs::create_dir(&bad.file).unwrap();
    let job = delete(&world, "job", &[good.record, bad.record]).await.job;
    assert_eq!(job.state, JobState::DoneButUntidy);
    assert_eq!(job.counters.failed, 1);
    assert!(!good.file.exists());
    let tasks = "SELECT state::text FROM geocube.tasks";
    assert_eq!(world.database.texts(tasks).await, ["FAILED"]);

    assert!(world.app.retry_job(job.id, false).await.is_err());
    std::fs::remove_dir(&bad.file).unwrap();
    std::fs::write(&bad.file, b"").unwrap();
    world.app.retry_job(job.id, true).await.unwrap();
    let job = world.job(job.id).await.job;
    assert_eq!((job.state, job.counters.failed), (JobState::Done, 0));
    assert!(!bad.file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_choose_files() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let new = NewDeletion {
        patterns: vec![Pattern::parse("*/image-1-*").unwrap()],
        ..deletion("job", &[], ExecutionLevel::Asynchronous)
    };
    let job = world.app.delete_datasets(new).await.unwrap().job;
    assert_eq!(job.state, JobState::New);
    world.deliver_all_times(2).await;
    assert_eq!(world.state(job.id).await, JobState::Done);
    assert!(!first.file.exists() && second.file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_deletion_shows_the_datasets_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = deletion("job", &[added.record], ExecutionLevel::StepByStepCritical);
    let job = world.app.delete_datasets(new).await.unwrap().job;
    world.deliver_all().await;
    assert!(world.visible().await.is_empty());
    world.app.cancel_job(job.id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(job.id).await, JobState::Failed);
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
    assert_eq!(world.locked(&[job.id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_cancelled_late_deletes_its_files() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let new = deletion("job", &[added.record], ExecutionLevel::StepByStepMajor);
    let job = world.app.delete_datasets(new).await.unwrap().job;
    world.deliver_all().await;
    for _ in 0..2 {
        world.app.continue_job(job.id).await.unwrap();
        world.deliver_all().await;
    }
    assert_eq!(world.state(job.id).await, JobState::DeletionEffective);
    assert!(added.file.exists());
    world.app.cancel_job(job.id, true).await.unwrap();
    world.deliver_all().await;
    // a folder is no file: the rollback fails, and can be tried again
    std::fs::remove_file(&added.file).unwrap();
    std::fs::create_dir(&added.file).unwrap();
    world.app.continue_job(job.id).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(job.id).await, JobState::RollbackFailed);
    std::fs::remove_dir(&added.file).unwrap();
    std::fs::write(&added.file, b"").unwrap();
    world.app.retry_job(job.id, false).await.unwrap();
    world.deliver_all().await;
    world.app.continue_job(job.id).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(job.id).await, JobState::Failed);
    assert!(!added.file.exists());
    assert_eq!(world.job(job.id).await.job.counters.failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_indexed_again_before_its_deletion_stays() {
    let Some(world) = World::new().await else {
        return;
    };
    let again = world.add(1, Scene::new(1)).await;
    let renamed = world.add(2, Scene::new(2)).await;
    let gone = world.add(3, Scene::new(3)).await;
    let records = [again.record, renamed.record, gone.record];
    let new = deletion("job", &records, ExecutionLevel::StepByStepCritical);
    let id = world.app.delete_datasets(new).await.unwrap().job.id;
    world.deliver_all().await;
    // up to the event that follows the removal of the containers
    world.app.continue_job(id).await.unwrap();
    let uris = [again.uri.to_string()];
    while world.app.containers(&uris).await.is_ok() {
        let (queue, data) = world.mailbox.take().unwrap();
        world.deliver(&queue, &data).await;
    }
    world.index_again(again.record, again.uri.as_str()).await;
    let other_name = format!("file://{}", renamed.uri);
    world.index_again(renamed.record, &other_name).await;
    world.deliver_all().await;
    let job = world.job(id).await;
    let counters = (job.job.counters.active, job.job.counters.failed);
    assert_eq!(
        (job.job.state, counters),
        (JobState::Done, (0, 0)),
        "{:#?}",
        job.logs
    );
    assert!(again.file.exists() && renamed.file.exists() && !gone.file.exists());
    assert_eq!(world.pixels(again.record).await, Scene::new(1).pixels());
    let logs = job.logs.join("\n");
    for uri in [&again.uri, &renamed.uri] {
        assert!(
            logs.contains(&format!("{uri} is indexed: it stays")),
            "{logs}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_stored_under_another_name_than_the_plain_one_is_not_ours() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add_as(1, Scene::new(1), false).await;
    let first = delete(&world, "first", &[added.record]).await.job;
    assert_eq!(first.state, JobState::Done);
    let path = added.uri.to_string();
    for (number, name) in [
        format!("file://{path}"),
        path.replace("/data/", "/data//"),
        path.replace("/data/", "/data/./"),
    ]
    .into_iter()
    .enumerate()
    {
        // as a former release stored it
        let row = format!("INSERT INTO geocube.containers (uri, managed) VALUES ('{name}', false)");
        world.database.run(&[&row]).await;
        world.index_again(added.record, &name).await;
        let container = world
            .app
            .containers(std::slice::from_ref(&name))
            .await
            .unwrap();
        assert_eq!(container[0].uri.as_str(), name);
        assert!(!container[0].managed, "{name}");
        let job = delete(&world, &format!("job-{number}"), &[added.record]).await;
        assert_eq!(job.job.state, JobState::Done);
        assert!(added.file.exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_is_ours_in_whichever_spelling_it_is_given() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add_as(1, Scene::new(1), false).await;
    let first = delete(&world, "first", &[added.record]).await.job;
    assert_eq!(first.state, JobState::Done);
    let plain = added.uri.to_string();
    let spelled = format!("file://{}", plain.replace("/data/", "/data/.//"));
    world.index_again(added.record, &spelled).await;
    let found = world.app.containers(&[spelled]).await.unwrap();
    assert_eq!(found[0].uri.as_str(), plain);
    assert!(found[0].managed);
    let job = delete(&world, "second", &[added.record]).await.job;
    assert_eq!(job.state, JobState::Done);
    assert!(!added.file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn s32_only_files_that_are_emptied_and_ours_become_tasks() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let new = world.consolidation("job", &[first.record, second.record]);
    world.app.consolidate(new).await.unwrap();
    world.deliver_all().await;
    let both = world.visible().await[0].sources[0].uri.clone();
    let ours = world.add(3, Scene::new(3)).await;
    let theirs = world.add_as(4, Scene::new(4), false).await;

    let records = [first.record, ours.record, theirs.record];
    let new = deletion("deletion", &records, ExecutionLevel::StepByStepMajor);
    let id = world.app.delete_datasets(new).await.unwrap().job.id;
    for expected in [JobState::Created, JobState::DeletionInProgress] {
        world.deliver_all().await;
        assert_eq!(world.state(id).await, expected);
        world.app.continue_job(id).await.unwrap();
    }
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::DeletionEffective);
    let mut connection = world.database.db.read().await.unwrap();
    let uris = [ours.uri.clone(), theirs.uri.clone(), both.clone()];
    let known = database::container::known(&mut connection, &uris).await;
    assert_eq!(known.unwrap(), [both].into());
    let tasks = database::task::list(&mut connection, id, &TaskState::ALL).await;
    let payloads: Vec<_> = tasks
        .unwrap()
        .into_iter()
        .map(|task| task.payload)
        .collect();
    assert_eq!(payloads, [ours.uri.to_string().into_bytes()]);
}

/// A deletion whose datasets are hidden, and which cannot be undone because of a file that cannot be deleted.
pub async fn rollback_to_fail(world: &World, added: &crate::world::Added) -> JobId {
    let level = ExecutionLevel::StepByStepCritical;
    let new = deletion("deletion", &[added.record], level);
    let id = world.app.delete_datasets(new).await.unwrap().job.id;
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::DeletionInProgress);
    let folder = world.folder.path().join("data").join("folder");
    std::fs::create_dir(&folder).unwrap();
    let payload = folder.to_str().unwrap().to_owned().into_bytes();
    let mut connection = world.database.db.read().await.unwrap();
    database::task::insert(&mut connection, &[Task::new(TaskId::new(), id, payload)])
        .await
        .unwrap();
    id
}

async fn rollback_that_fails(world: &World, added: &crate::world::Added) -> JobId {
    let id = rollback_to_fail(world, added).await;
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::RollbackFailed);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn wp9_a_rollback_that_fails_and_is_cancelled_by_force_leaves_no_lock_and_names_what_is_hidden()
 {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = rollback_that_fails(&world, &added).await;
    let mut connection = world.database.db.read().await.unwrap();
    let hidden = database::dataset::ids_of_job(&mut connection, id, DatasetStatus::ToDelete)
        .await
        .unwrap();
    drop(connection);
    assert_eq!(hidden.len(), 1);
    assert!(world.app.cancel_job(id, false).await.is_err());
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Failed, "{:#?}", job.logs);
    assert_eq!(world.locked(&[id]).await, 0);
    let told = format!("1 dataset(s) stay hidden: {}", hidden[0]);
    assert!(job.logs.join("\n").contains(&told), "{:#?}", job.logs);
    assert!(world.visible().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s40_a_rollback_that_failed_can_be_tried_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = rollback_that_fails(&world, &added).await;
    std::fs::remove_dir(world.folder.path().join("data").join("folder")).unwrap();
    world.app.retry_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
    assert_eq!(world.locked(&[id]).await, 0);
}
