//! Weak points of a former system, by their numbers.

use super::at_once;
use super::failing::half_broken;
use super::worker::{order, result};
use crate::world::{EVENTS, Scene, World};
use app::job::NewDeletion;
use app::worker::Outcome;
use database::outbox::NewMessage;
use domain::Uri;
use domain::job::{
    ExecutionLevel, JobState, Message, TaskStatus, cancel_marker_name, parse_message,
};
use std::collections::BTreeMap;

/// No dataset can be hidden from readers.
const KEEP_VISIBLE: &str = "CREATE FUNCTION geocube.keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'it stays visible' USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER keep BEFORE UPDATE OF status ON geocube.datasets FOR EACH ROW EXECUTE FUNCTION geocube.keep()";

#[tokio::test(flavor = "multi_thread")]
async fn wp9_a_deletion_that_could_not_begin_is_rolled_back_by_a_forced_cancel() {
    let Some(world) = World::new().await else {
        return;
    };
    let added = world.add(1, Scene::new(1)).await;
    world.database.run(&[KEEP_VISIBLE]).await;
    let new = NewDeletion {
        name: "job".to_owned(),
        records: vec![added.record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level: ExecutionLevel::Asynchronous,
    };
    let id = world.app.delete_datasets(new).await.unwrap().job.id;
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(
        job.job.state,
        JobState::InitialisationFailed,
        "{:#?}",
        job.logs
    );
    assert_eq!(world.locked(&[id]).await, 1);

    let refused = world.app.cancel_job(id, false).await.unwrap_err();
    let text =
        format!("Job {id}: Unable to trigger CancelledByUser (current state=INITIALISATIONFAILED)");
    assert_eq!(refused.to_string(), text);
    world.app.cancel_job(id, true).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Failed, "{:#?}", job.logs);
    let entered = |line: &String| line.contains("Enter ABORTED");
    assert!(job.logs.iter().any(entered), "{:#?}", job.logs);
    assert_eq!(world.locked(&[id]).await, 0);
    assert_eq!(world.pixels(added.record).await, Scene::new(1).pixels());
}

#[tokio::test(flavor = "multi_thread")]
async fn wp11_a_rollback_tells_which_files_it_could_not_delete() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, [good, bad]) = half_broken(&world).await;
    let written = world.files().into_iter();
    let mut written = written.filter(|file| ![&good.file, &bad.file].contains(&file));
    let file = written.next().unwrap();
    // a folder is no file
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(job.job.state, JobState::Failed);
    let told = |line: &&String| line.contains("WARN") && line.contains(file.to_str().unwrap());
    assert_eq!(job.logs.iter().filter(told).count(), 1, "{:#?}", job.logs);
    assert_eq!(world.locked(&[id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wp12_markers_are_found_with_and_without_a_slash_at_the_end_of_their_folder() {
    let Some(world) = World::new().await else {
        return;
    };
    let folder = world.folder.path().join("cancelled");
    std::fs::create_dir_all(&folder).unwrap();
    for (day, slash) in [(1, ""), (2, "/")] {
        let (id, message) = order(&world, day).await;
        let Message::Order(decoded) = parse_message(&message).unwrap() else {
            panic!("no order")
        };
        let name = cancel_marker_name(id, decoded.task_id);
        std::fs::write(folder.join(name), b"").unwrap();
        let uri = Uri::parse(format!("{}{slash}", folder.display())).unwrap();
        let worker = world.other_worker(|options| options.cancelled_jobs = Some(uri));
        assert_eq!(worker.process(&message).await, Outcome::Done);
        assert_eq!(result(&world).status, TaskStatus::TaskFailed, "{slash:?}");
        world.deliver_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wp12_a_cancellation_whose_markers_cannot_be_written_fails_and_can_be_tried_again() {
    let Some(world) = World::new().await else {
        return;
    };
    let (id, _) = order(&world, 1).await;
    let folder = world.folder.path().join("cancelled");
    std::fs::write(&folder, b"no folder").unwrap();
    world.app.cancel_job(id, false).await.unwrap();
    world.deliver_all().await;
    let job = world.job(id).await;
    assert_eq!(
        job.job.state,
        JobState::CancellationFailed,
        "{:#?}",
        job.logs
    );
    std::fs::remove_file(&folder).unwrap();
    world.app.retry_job(id, false).await.unwrap();
    world.deliver_all().await;
    assert_eq!(world.state(id).await, JobState::Failed);
    assert_eq!(world.locked(&[id]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wp14_what_the_queue_did_not_take_is_sent_again_and_nothing_else() {
    let Some(world) = World::new().await else {
        return;
    };
    let texts = ["a", "b", "poison", "c", "d"];
    let messages = texts.map(|text| NewMessage {
        topic: EVENTS.to_owned(),
        payload: text.as_bytes().to_vec(),
        attributes: BTreeMap::new(),
    });
    let mut connection = world.database.db.read().await.unwrap();
    database::outbox::insert(&mut connection, &messages)
        .await
        .unwrap();
    drop(connection);
    let taken = || {
        let mut taken = Vec::new();
        while let Some((_, data)) = world.mailbox.take() {
            taken.push(String::from_utf8(data.to_vec()).unwrap());
        }
        taken
    };
    world.mailbox.refuse("poison");
    world.app.sweep(&at_once()).await.unwrap();
    assert_eq!(taken(), ["a", "b", "c", "d"]);
    world.mailbox.refuse("nothing");
    for expected in [&["poison"][..], &[]] {
        world.app.sweep(&at_once()).await.unwrap();
        assert_eq!(taken(), expected);
    }
}
