use crate::{
    database,
    fixtures::{day, refusal},
};
use database::{Page, PgConnection, job, job_log, processed_event, task};
use domain::{
    EventId, InstanceId, JobId, Pattern, RunId, TaskId,
    job::{
        ExecutionLevel, Job, JobState, LogEntry, LogPage, Severity, Task, TaskCounters, TaskState,
    },
};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

pub async fn stored(conn: &mut PgConnection, name: &str) -> Job {
    let level = ExecutionLevel::Asynchronous;
    let job = Job::consolidation(
        name.to_owned(),
        "layout".to_owned(),
        InstanceId::new(),
        None,
        level,
        day(1),
    )
    .unwrap();
    job::insert(conn, &job).await.unwrap();
    job
}

#[tokio::test]
async fn a_job_comes_back_as_it_was_stored() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let given = stored(&mut conn, "j").await;
    let read = job::get(&mut conn, given.id).await.unwrap();
    assert_eq!(read.job, given);
    assert!(read.last_event.is_none() && read.action_finished() && !read.action_live);
    let deletion = Job::deletion(String::new(), ExecutionLevel::StepByStepAll, day(2));
    job::insert(&mut conn, &deletion).await.unwrap();
    assert_eq!(
        job::get(&mut conn, deletion.id).await.unwrap().job,
        deletion
    );
    let twin = Job {
        id: JobId::new(),
        ..given
    };
    assert_eq!(
        refusal(job::insert(&mut conn, &twin).await).to_string(),
        "Job with name: j"
    );
    let unknown = JobId::new();
    assert_eq!(
        refusal(job::get(&mut conn, unknown).await).to_string(),
        format!("Job with id: {unknown}")
    );
}

#[tokio::test]
async fn of_two_updates_from_the_same_version_one_is_lost() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "j").await.id;
    let read = job::get(&mut conn, id).await.unwrap();
    let changed = Job {
        state: JobState::Created,
        last_update: day(2),
        waiting: true,
        counters: TaskCounters {
            active: 3,
            failed: 1,
        },
        revision: 1,
        ..read.job.clone()
    };
    let version = job::update(&mut conn, &changed, read.row_version)
        .await
        .unwrap();
    let again = job::get(&mut conn, id).await.unwrap();
    assert_eq!((again.job, again.row_version), (changed, version));
    let lost = job::update(&mut conn, &read.job, read.row_version)
        .await
        .unwrap_err();
    assert!(lost.is_retryable());
}

#[tokio::test]
async fn an_entry_action_has_one_holder() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "j").await.id;
    let read = job::get(&mut conn, id).await.unwrap();
    let changed = Job {
        revision: 1,
        state: JobState::Created,
        ..read.job
    };
    job::update(&mut conn, &changed, read.row_version)
        .await
        .unwrap();
    let (event, first, second) = (EventId::new(), RunId::new(), RunId::new());
    let payload = json!({"type": "job_event"});
    job::record_event(&mut conn, id, event, &payload, first, MINUTE)
        .await
        .unwrap();
    assert!(processed_event::contains(&mut conn, event).await.unwrap());
    assert!(!processed_event::record(&mut conn, event, id).await.unwrap());
    let read = job::get(&mut conn, id).await.unwrap();
    assert!(read.action_live && !read.action_finished());
    let last = read.last_event.unwrap();
    assert_eq!((last.id, last.payload), (event, payload));
    // the lease is live: nobody else gets the action, and the sweeper leaves the job alone
    assert!(
        !job::take_action(&mut conn, id, 1, second, MINUTE)
            .await
            .unwrap()
    );
    assert!(
        job::take_stalled(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        job::get_for_action(&mut conn, id, first)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        job::get_for_action(&mut conn, id, second)
            .await
            .unwrap()
            .is_none()
    );
    // it ends: somebody else does
    assert!(
        job::extend_action(&mut conn, id, first, Duration::ZERO)
            .await
            .unwrap()
    );
    assert_eq!(
        job::take_stalled(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    // swept just now
    let again = job::take_stalled(&mut conn, Duration::from_secs(1), 10).await;
    assert!(again.unwrap().is_empty());
    assert!(
        !job::take_action(&mut conn, id, 2, second, MINUTE)
            .await
            .unwrap()
    );
    assert!(
        job::take_action(&mut conn, id, 1, second, MINUTE)
            .await
            .unwrap()
    );
    assert!(
        !job::extend_action(&mut conn, id, first, MINUTE)
            .await
            .unwrap()
    );
    assert!(!job::finish_action(&mut conn, id, first).await.unwrap());
    assert!(job::finish_action(&mut conn, id, second).await.unwrap());
    assert!(job::get(&mut conn, id).await.unwrap().action_finished());
    assert!(
        !job::take_action(&mut conn, id, 1, first, MINUTE)
            .await
            .unwrap()
    );
    assert_eq!(processed_event::purge(&mut conn, MINUTE).await.unwrap(), 0);
    assert_eq!(
        processed_event::purge(&mut conn, Duration::ZERO)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn jobs_are_listed_and_cleaned() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let mut ids = Vec::new();
    for (number, name) in ["b", "a", "c_1", "cx1"].into_iter().enumerate() {
        let mut job = Job::deletion(
            name.to_owned(),
            ExecutionLevel::Asynchronous,
            day(number as i64 + 1),
        );
        job.state = if name == "a" {
            JobState::Done
        } else {
            JobState::Created
        };
        job::insert(&mut conn, &job).await.unwrap();
        ids.push(job.id);
    }
    for (pattern, page, limit, most, expected) in [
        ("", 0, 0, 9, &["b", "a", "c_1", "cx1"][..]),
        ("", 0, 0, 2, &["b", "a"]),
        ("", 1, 3, 9, &["cx1"]),
        ("", 1, 2, 1, &["c_1"]),
        ("c_?", 0, 0, 9, &["c_1"]),
    ] {
        let listed = job::list(
            &mut conn,
            Pattern::parse(pattern).as_ref(),
            Page { page, limit },
            most,
        )
        .await
        .unwrap();
        assert_eq!(
            listed
                .iter()
                .map(|job| job.name.as_str())
                .collect::<Vec<_>>(),
            expected
        );
    }
    let done = [JobState::Done, JobState::Failed];
    let listed = job::list_in_states(&mut conn, None, &done).await.unwrap();
    assert_eq!(
        listed.iter().map(|job| job.id).collect::<Vec<_>>(),
        [ids[1]]
    );
    task::insert(&mut conn, &[Task::new(TaskId::new(), ids[1], vec![])])
        .await
        .unwrap();
    assert!(!job::delete(&mut conn, ids[0], &done).await.unwrap());
    assert!(job::delete(&mut conn, ids[1], &done).await.unwrap());
    assert!(!job::delete(&mut conn, ids[1], &done).await.unwrap());
}

#[tokio::test]
async fn logs_are_read_from_the_newest_and_shown_from_the_oldest() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (id, other) = (
        stored(&mut conn, "j").await.id,
        stored(&mut conn, "k").await.id,
    );
    let entry = |number: i64| {
        LogEntry::new(
            day(1),
            Severity::Warn,
            JobState::DoneButUntidy,
            format!("{number}\0"),
        )
    };
    let entries: Vec<_> = (0..25).map(entry).collect();
    job_log::append(&mut conn, id, &entries).await.unwrap();
    job_log::append(&mut conn, id, &[]).await.unwrap();
    let texts = |entries: Vec<LogEntry>| {
        entries
            .into_iter()
            .map(|entry| entry.message)
            .collect::<Vec<_>>()
    };
    for (page, limit, expected) in [
        (0, 3, &["22 ", "23 ", "24 "][..]),
        (2, 10, &["0 ", "1 ", "2 ", "3 ", "4 "]),
        (9, 10, &[]),
        (0, 0, &[]),
    ] {
        let found = job_log::page(&mut conn, id, LogPage::new(page, limit))
            .await
            .unwrap();
        assert_eq!(texts(found), expected);
    }
    assert_eq!(
        job_log::page(&mut conn, id, LogPage::new(0, 1))
            .await
            .unwrap()[0]
            .severity,
        Severity::Warn
    );
    assert_eq!(
        job_log::page(&mut conn, id, LogPage::new(u64::MAX, u64::MAX))
            .await
            .unwrap(),
        []
    );
    assert_eq!(job_log::count(&mut conn, id).await.unwrap(), 25);
    let mut newest = job_log::newest(&mut conn, &[id, other], 2).await.unwrap();
    assert_eq!(texts(newest.remove(&id).unwrap()), ["23 ", "24 "]);
    assert!(newest.is_empty());
}

#[tokio::test]
async fn tasks_change_state_and_attempt() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "j").await.id;
    let mut tasks: Vec<_> = (0..3)
        .map(|n| Task::new(TaskId::new(), id, vec![n, 0, 255]))
        .collect();
    tasks.sort_by_key(|task| task.id);
    task::insert(&mut conn, &tasks).await.unwrap();
    task::insert(&mut conn, &[]).await.unwrap();
    assert_eq!(
        task::list(&mut conn, id, &TaskState::ALL).await.unwrap(),
        tasks
    );
    tasks[0].state = TaskState::Pending;
    tasks[1].state = TaskState::Failed;
    tasks[1].attempt = 2;
    task::update(&mut conn, &tasks[..2]).await.unwrap();
    let locked = task::lock_many(&mut conn, &[tasks[1].id, tasks[0].id]).await;
    let without_payload = |task: &Task| Task {
        payload: Vec::new(),
        ..task.clone()
    };
    assert_eq!(
        locked.unwrap(),
        tasks[..2].iter().map(without_payload).collect::<Vec<_>>()
    );
    assert_eq!(
        task::list(&mut conn, id, &[TaskState::Pending])
            .await
            .unwrap(),
        tasks[..1]
    );
    assert_eq!(
        task::counters(&mut conn, id).await.unwrap(),
        TaskCounters {
            active: 2,
            failed: 1
        }
    );
    let light = task::list_without_payload(&mut conn, id, &[TaskState::New])
        .await
        .unwrap();
    assert_eq!((light[0].id, light[0].payload.len()), (tasks[2].id, 0));
    assert_eq!(
        task::get_many(&mut conn, &[tasks[2].id, TaskId::new()])
            .await
            .unwrap(),
        tasks[2..]
    );
    assert_eq!(
        task::delete(&mut conn, &[tasks[0].id, TaskId::new()])
            .await
            .unwrap(),
        1
    );
    let gone = task::lock_many(&mut conn, &[tasks[0].id]).await;
    assert_eq!(gone.unwrap(), []);
}

#[tokio::test]
async fn tasks_are_listed_in_pieces_that_fit_into_memory() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let id = stored(&mut conn, "j").await.id;
    let task = |bytes| Task::new(TaskId::new(), id, vec![7; bytes]);
    let large = [5 << 20, 3 << 20, 1 << 20, 1 << 20].map(task);
    let mut tasks: Vec<_> = (0..450).map(|_| task(1)).chain(large).collect();
    tasks[3].state = TaskState::Pending;
    task::insert(&mut conn, &tasks).await.unwrap();
    tasks.remove(3);
    tasks.sort_by_key(|task| task.id);
    let (mut found, mut pieces) = (Vec::new(), 0);
    loop {
        let last = found.last().map(|task: &Task| task.id);
        let piece = task::list_piece(&mut conn, id, &[TaskState::New], last).await;
        let piece = piece.unwrap();
        if piece.is_empty() {
            break;
        }
        let bytes: usize = piece.iter().map(|task| task.payload.len()).sum();
        assert!(piece.len() <= 200 && (bytes <= 4 << 20 || piece.len() == 1));
        found.extend(piece);
        pieces += 1;
    }
    assert!(pieces > 4, "{pieces} pieces");
    assert_eq!(found, tasks);
}
