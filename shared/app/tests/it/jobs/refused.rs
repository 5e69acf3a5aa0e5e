//! Requests that are refused, and then leave nothing behind.

use crate::world::{EVENTS, Scene, World};
use app::job::{JobQuery, NewConsolidation, NewDeletion};
use app::{App, Engine, Error};
use domain::job::{ExecutionLevel, JobState};
use domain::{JobId, RecordId};

fn text(error: &Error) -> String {
    error.to_string()
}

async fn assert_nothing_is_stored(world: &World, jobs: usize) {
    assert_eq!(
        world
            .app
            .list_jobs(&JobQuery::default())
            .await
            .unwrap()
            .len(),
        jobs
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn consolidations_are_checked_before_anything_is_stored() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let valid = || world.consolidation("job", &[added.record]);
    let synchronous = NewConsolidation {
        level: ExecutionLevel::Synchronous,
        ..valid()
    };
    let none = world.consolidation("job", &[]);
    let unknown = world.consolidation("job", &[RecordId::new()]);
    for (new, expected) in [
        (synchronous, "execution_level: "),
        (none, "records: expected at least one"),
        (unknown, "No dataset found"),
    ] {
        let error = world.app.consolidate(new).await.unwrap_err();
        assert!(text(&error).starts_with(expected), "{error}");
        assert!(matches!(error, Error::Domain(_)));
    }
    assert_nothing_is_stored(&world, 0).await;
    assert!(world.mailbox.waiting(EVENTS).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_place_for_files_refuses_to_consolidate() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let options = app::Options {
        ingestion_storage: None,
        ..world.app.options().clone()
    };
    let storage = std::sync::Arc::new(storage::MemoryStorage::new());
    let app = App::new(
        world.database.db.clone(),
        storage,
        world.mailbox.clone(),
        Engine::new(1, 1),
        options,
    );
    let error = app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Domain(domain::Error::Precondition(_))),
        "{error}"
    );
    assert_nothing_is_stored(&world, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_dataset_is_named_and_a_taken_name_too() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    world
        .app
        .consolidate(world.consolidation("job", &[first.record]))
        .await
        .unwrap();

    let both = world.consolidation("other", &[first.record, second.record]);
    let error = world.app.consolidate(both).await.unwrap_err();
    assert!(
        text(&error).starts_with("Dataset is already locked: "),
        "{error}"
    );
    let same = world.consolidation("job", &[second.record]);
    let error = world.app.consolidate(same).await.unwrap_err();
    assert_eq!(text(&error), "Job with name: job");
    assert_nothing_is_stored(&world, 1).await;

    world.deliver_all().await;
    let again = world.consolidation("other", &[first.record, second.record]);
    world.app.consolidate(again).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.visible().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_datasets_are_never_deleted_at_once() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let deletion = |records: Vec<RecordId>| NewDeletion {
        name: String::new(),
        records,
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::Synchronous,
    };
    let error = world
        .app
        .delete_datasets(deletion(Vec::new()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Domain(domain::Error::Invalid(_))),
        "{error}"
    );
    let error = world
        .app
        .delete_datasets(deletion(vec![RecordId::new()]))
        .await
        .unwrap_err();
    assert_eq!(
        text(&error),
        "No dataset found for these records, instances and/or pattern"
    );
    assert!(added.file.exists());
    assert_nothing_is_stored(&world, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_a_job_does_not_handle_are_refused_at_once() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    let id = world
        .app
        .consolidate(world.consolidation("job", &[added.record]))
        .await
        .unwrap();
    let refused = |event: &str| format!("Job {id}: Unable to trigger {event} (current state=NEW)");
    let cancelled = world.app.cancel_job(id, false).await.unwrap_err();
    assert_eq!(text(&cancelled), refused("CancelledByUser"));
    let continued = world.app.continue_job(id).await.unwrap_err();
    assert_eq!(text(&continued), refused("Continue"));
    let retried = world.app.retry_job(id, false).await.unwrap_err();
    assert_eq!(text(&retried), refused("Retried"));
    assert!(matches!(
        retried,
        Error::Domain(domain::Error::Precondition(_))
    ));

    let unknown = JobId::new();
    let missing = world.app.retry_job(unknown, true).await.unwrap_err();
    assert_eq!(text(&missing), format!("Job with id: {unknown}"));
    assert_eq!(
        world.mailbox.waiting(EVENTS).len(),
        1,
        "that of the creation"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_finished_jobs_are_cleaned() {
    let Some(world) = World::new().await else {
        return;
    };
    let first = world.add(1, Scene::new(1)).await;
    let second = world.add(2, Scene::new(2)).await;
    let done = world
        .app
        .consolidate(world.consolidation("done", &[first.record]))
        .await
        .unwrap();
    world.deliver_all().await;
    let waiting = world
        .app
        .consolidate(world.consolidation("new", &[second.record]))
        .await
        .unwrap();
    let error = world.app.clean_jobs(None, "NEW").await.unwrap_err();
    assert!(
        matches!(error, Error::Domain(domain::Error::Invalid(_))),
        "{error}"
    );
    assert_eq!(world.app.clean_jobs(None, "failed").await.unwrap(), 0);
    assert_eq!(
        world.app.clean_jobs(None, "done").await.unwrap(),
        2,
        "with the deletion"
    );
    assert!(world.app.job(done, 0, 0).await.is_err());
    assert_eq!(world.state(waiting).await, JobState::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_removed_is_told_with_the_number_of_those_that_are() {
    let Some(world) = World::new().await else {
        return;
    };
    for day in 1..=3 {
        let added = world.add(day, Scene::new(day)).await;
        let new = NewDeletion {
            name: format!("job-{day}"),
            records: vec![added.record],
            instances: Vec::new(),
            patterns: Vec::new(),
            level: ExecutionLevel::Synchronous,
        };
        world.app.delete_datasets(new).await.unwrap();
    }
    let stay = "CREATE FUNCTION geocube.stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'it stays';
    END $$;
    CREATE TRIGGER stay BEFORE DELETE ON geocube.jobs FOR EACH ROW WHEN (OLD.name = 'job-2')
    EXECUTE FUNCTION geocube.stay()";
    world.database.run(&[stay]).await;
    let error = world.app.clean_jobs(None, "").await.unwrap_err();
    let told = "(2 removed, 1 could not be removed)";
    assert!(error.to_string().contains(told), "{error}");
    let left = world.app.list_jobs(&JobQuery::default()).await.unwrap();
    let left: Vec<&str> = left.iter().map(|job| job.job.name.as_str()).collect();
    assert_eq!(left, ["job-2"]);
    world
        .database
        .run(&["DROP TRIGGER stay ON geocube.jobs"])
        .await;
    assert_eq!(world.app.clean_jobs(None, "").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_in_the_order_of_their_creation_with_their_last_lines() {
    let Some(world) = World::new().await else {
        return;
    };
    for day in 1..=3 {
        let added = world.add(day, Scene::new(day)).await;
        world
            .app
            .consolidate(world.consolidation(&format!("job-{day}"), &[added.record]))
            .await
            .unwrap();
    }
    let jobs = world.app.list_jobs(&JobQuery::default()).await.unwrap();
    let names: Vec<&str> = jobs.iter().map(|job| job.job.name.as_str()).collect();
    assert_eq!(names, ["job-1", "job-2", "job-3"]);
    assert!(
        jobs.iter()
            .all(|job| job.logs[0] == "[... may be more]" && job.logs.len() == 2)
    );
    let page = app::Page { page: 1, limit: 2 };
    let second = world
        .app
        .list_jobs(&JobQuery {
            page,
            ..JobQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(second.len(), 1);
    world.deliver_all().await;
    let id = jobs[0].job.id;
    let all = world.job(id).await.logs;
    let newest = world.app.job(id, 0, 2).await.unwrap().logs;
    assert_eq!(newest.len(), 3);
    assert_eq!(newest[0], format!("[... {} more]", all.len() - 2));
    assert_eq!(newest[1..], all[all.len() - 2..]);
    assert!(world.app.job(id, 0, 0).await.unwrap().logs.is_empty());
}
