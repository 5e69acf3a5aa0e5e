use crate::{database, job::stored};
use database::{
    PgConnection, job, lease,
    lease::{Acquisition, Order},
    noted_file, task,
};
use domain::{
    RunId, TaskId, Uri,
    job::{Job, JobState, Task, TaskState, TaskStatus},
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const RUN: Acquisition = Acquisition::Run {
    starts: 1,
    cancel_requested: false,
};

async fn order(conn: &mut PgConnection) -> Order {
    let job = stored(conn, "j").await;
    let new = Task {
        state: TaskState::Pending,
        ..Task::new(TaskId::new(), job.id, vec![1])
    };
    task::insert(conn, std::slice::from_ref(&new))
        .await
        .unwrap();
    task::update(conn, std::slice::from_ref(&new))
        .await
        .unwrap();
    set_state(conn, &job, JobState::ConsolidationInProgress).await;
    Order {
        job: job.id,
        task: new.id,
        attempt: 1,
    }
}

async fn set_state(conn: &mut PgConnection, job: &Job, state: JobState) {
    let read = job::get(conn, job.id).await.unwrap();
    job::update(conn, &Job { state, ..read.job }, read.row_version)
        .await
        .unwrap();
}

async fn acquire(conn: &mut PgConnection, order: &Order, run: RunId) -> Acquisition {
    lease::acquire(conn, order, run, "worker", MINUTE)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_order_is_run_by_one_worker_and_its_result_published_once() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let (first, second) = (RunId::new(), RunId::new());
    assert_eq!(acquire(&mut conn, &order, first).await, RUN);
    assert_eq!(acquire(&mut conn, &order, second).await, Acquisition::Busy);
    let beat = lease::heartbeat(&mut conn, order.task, first, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (beat.cancel_requested, beat.job_state),
        (false, Some(JobState::ConsolidationInProgress))
    );
    assert_eq!(
        lease::heartbeat(&mut conn, order.task, second, MINUTE)
            .await
            .unwrap(),
        None
    );
    let failed = TaskStatus::TaskFailed;
    assert!(
        !lease::finish(&mut conn, order.task, second, failed, "")
            .await
            .unwrap()
    );
    assert!(
        lease::finish(&mut conn, order.task, first, failed, "disk full\0")
            .await
            .unwrap()
    );
    let publish = Acquisition::Publish {
        run: first,
        status: failed,
        error: "disk full ".to_owned(),
    };
    assert_eq!(acquire(&mut conn, &order, second).await, publish);
    let waiting = lease::take_unpublished(&mut conn, Duration::ZERO, 10)
        .await
        .unwrap();
    assert_eq!(
        (&waiting[0].order, waiting[0].run, waiting[0].status),
        (&order, first, failed)
    );
    lease::mark_published(&mut conn, order.task, first)
        .await
        .unwrap();
    assert_eq!(
        acquire(&mut conn, &order, second).await,
        Acquisition::Duplicate
    );
    assert!(
        lease::take_unpublished(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        lease::heartbeat(&mut conn, order.task, first, MINUTE)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn the_note_of_a_file_is_a_heartbeat_and_the_end_of_the_run_forgets_its_part() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let run = RunId::new();
    acquire(&mut conn, &order, run).await;
    sqlx::query("UPDATE geocube.task_leases SET lease_until = now(), cancel_requested = true")
        .execute(&mut *conn)
        .await
        .unwrap();
    let [part, target] = ["/x.tif.part", "/x.tif"].map(|uri| Uri::parse(uri).unwrap());
    let files = [&part, &target];
    let note = noted_file::note_output(&mut conn, order.task, RunId::new(), MINUTE, files).await;
    assert_eq!(note.unwrap(), None, "of another run");
    assert_eq!(noted(&mut conn).await, [""; 0]);
    let note = noted_file::note_output(&mut conn, order.task, run, MINUTE, files).await;
    let beat = note.unwrap().unwrap();
    assert!(beat.cancel_requested, "learnt by the note");
    assert_eq!(beat.job_state, Some(JobState::ConsolidationInProgress));
    assert_eq!(lease::live_count(&mut conn, order.job).await.unwrap(), 1);
    assert_eq!(noted(&mut conn).await, ["/x.tif", "/x.tif.part"]);

    let done = TaskStatus::TaskSuccessful;
    let finished = lease::finish_without_part(&mut conn, order.task, run, done, "").await;
    assert!(finished.unwrap());
    assert_eq!(noted(&mut conn).await, ["/x.tif"]);
    let again = lease::finish_without_part(&mut conn, order.task, run, done, "").await;
    assert!(!again.unwrap(), "it is over");
}

/// The files that are noted.
async fn noted(conn: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT uri FROM geocube.noted_files ORDER BY uri")
        .fetch_all(conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_published_result_that_changed_nothing_is_published_again_in_the_end() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let run = RunId::new();
    acquire(&mut conn, &order, run).await;
    let done = TaskStatus::TaskSuccessful;
    assert!(
        lease::finish(&mut conn, order.task, run, done, "")
            .await
            .unwrap()
    );
    lease::mark_published(&mut conn, order.task, run)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE geocube.task_leases SET finished_at = finished_at - interval '40 s',
             last_delivery_at = last_delivery_at - interval '40 s'",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    for (grace_s, expected) in [(5, 0), (2, 1), (2, 0)] {
        let found = lease::take_unpublished(&mut conn, Duration::from_secs(grace_s), 10)
            .await
            .unwrap();
        assert_eq!(found.len(), expected, "{grace_s}");
    }
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_and_its_holder_learns_it() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let (first, second) = (RunId::new(), RunId::new());
    acquire(&mut conn, &order, first).await;
    assert_eq!(lease::live_count(&mut conn, order.job).await.unwrap(), 1);
    assert!(
        lease::take_abandoned(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap()
            .is_empty()
    );
    lease::release(&mut conn, order.task, first, true)
        .await
        .unwrap();
    assert_eq!(lease::live_count(&mut conn, order.job).await.unwrap(), 0);
    assert_eq!(
        lease::take_abandoned(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap(),
        std::slice::from_ref(&order)
    );
    assert!(
        lease::take_abandoned(&mut conn, MINUTE, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let run = Acquisition::Run {
        starts: 2,
        cancel_requested: false,
    };
    assert_eq!(acquire(&mut conn, &order, second).await, run);
    assert_eq!(
        lease::heartbeat(&mut conn, order.task, first, MINUTE)
            .await
            .unwrap(),
        None
    );
    assert!(
        !lease::finish(&mut conn, order.task, first, TaskStatus::TaskSuccessful, "")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_newer_attempt_replaces_an_older_one() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let old = order(&mut conn).await;
    let new = Order {
        attempt: 2,
        ..old.clone()
    };
    let run = RunId::new();
    acquire(&mut conn, &old, run).await;
    lease::request_cancel(&mut conn, old.job).await.unwrap();
    assert!(
        lease::heartbeat(&mut conn, old.task, run, MINUTE)
            .await
            .unwrap()
            .unwrap()
            .cancel_requested
    );
    assert_eq!(acquire(&mut conn, &new, RunId::new()).await, RUN);
    assert_eq!(
        acquire(&mut conn, &old, RunId::new()).await,
        Acquisition::Duplicate
    );
}

#[tokio::test]
async fn orders_that_nobody_needs_are_not_run() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let job = job::get(&mut conn, order.job).await.unwrap().job;
    for state in JobState::ALL {
        set_state(&mut conn, &job, state).await;
        let needed = matches!(
            state,
            JobState::ConsolidationInProgress
                | JobState::ConsolidationRetrying
                | JobState::ConsolidationForceRetrying
        );
        let acquired = acquire(&mut conn, &order, RunId::new()).await;
        assert_eq!(acquired != Acquisition::Duplicate, needed, "{state}");
    }
    set_state(&mut conn, &job, JobState::ConsolidationInProgress).await;
    let unknown = Order {
        task: TaskId::new(),
        ..order.clone()
    };
    assert_eq!(
        acquire(&mut conn, &unknown, RunId::new()).await,
        Acquisition::Duplicate
    );
    task::delete(&mut conn, &[order.task]).await.unwrap();
    assert_eq!(
        acquire(&mut conn, &order, RunId::new()).await,
        Acquisition::Duplicate
    );
}

#[tokio::test]
async fn orders_of_tasks_that_are_over_or_at_a_later_attempt_are_not_run() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    let stored = task::get_many(&mut conn, &[order.task]).await.unwrap();
    for (state, attempt, runs) in [
        (TaskState::Done, 1, false),
        (TaskState::Failed, 1, false),
        (TaskState::Cancelled, 1, false),
        (TaskState::Pending, 2, false),
        (TaskState::New, 2, false),
        (TaskState::Pending, 1, true),
    ] {
        let now = Task {
            state,
            attempt,
            ..stored[0].clone()
        };
        task::update(&mut conn, &[now]).await.unwrap();
        let acquired = acquire(&mut conn, &order, RunId::new()).await;
        let expected = if runs { RUN } else { Acquisition::Duplicate };
        assert_eq!(acquired, expected, "{state:?} {attempt}");
    }
}

#[tokio::test]
async fn of_many_workers_one_gets_the_order() {
    let test = database!();
    let order = order(&mut test.db.read().await.unwrap()).await;
    let acquire = |_| async {
        let mut conn = test.db.read().await.unwrap();
        acquire(&mut conn, &order, RunId::new()).await
    };
    let outcomes = futures::future::join_all((0..12).map(acquire)).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == RUN).count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Acquisition::Busy)
            .count(),
        11
    );
}

#[tokio::test]
async fn lost_orders_are_found_once() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let order = order(&mut conn).await;
    assert!(
        task::take_lost(&mut conn, MINUTE, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let lost = task::take_lost(&mut conn, Duration::ZERO, 10)
        .await
        .unwrap();
    assert_eq!(
        (lost[0].id, lost[0].payload.as_slice()),
        (order.task, &[1][..])
    );
    assert!(
        task::take_lost(&mut conn, MINUTE, 10)
            .await
            .unwrap()
            .is_empty()
    );
    acquire(&mut conn, &order, RunId::new()).await;
    assert!(
        task::take_lost(&mut conn, Duration::ZERO, 10)
            .await
            .unwrap()
            .is_empty()
    );
}
