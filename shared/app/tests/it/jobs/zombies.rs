//! Workers that stall past their lease and wake up again. `GEOCUBE_CHAOS_ZOMBIES` is the number of trials.

use super::worker::order;
use crate::world::{EVENTS, Stall, World};
use app::worker::Outcome;
use domain::job::{JobState, Message, TaskStatus, parse_message};

const TRIALS: u32 = 12;

/// Everybody is taken for dead.
async fn end_leases(world: &World) {
    let sql = "UPDATE geocube.task_leases SET lease_until = clock_timestamp() - interval '1 s' WHERE status = 'RUNNING'";
    world.database.run(&[sql]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_up_after_its_lease_is_refused() {
    let Some(world) = World::new().await else {
        return;
    };
    let given = std::env::var("GEOCUBE_CHAOS_ZOMBIES").ok();
    let trials = given.and_then(|text| text.parse().ok()).unwrap_or(TRIALS);
    for trial in 1..=trials {
        let (id, order) = order(&world, trial).await;
        let stall =
            [Stall::BeforeUpload, Stall::AfterUpload, Stall::BeforeRename][trial as usize % 3];
        let (zombie, gate) = world.gated_worker(stall);
        let message = order.clone();
        let running = tokio::spawn(async move { zombie.process(&message).await });
        gate.arrival().await;

        // its heartbeat may come in between: then it is no zombie yet
        let successor = loop {
            end_leases(&world).await;
            match world.worker.process(&order).await {
                Outcome::Busy => {}
                outcome => break outcome,
            }
        };
        assert_eq!(successor, Outcome::Done, "trial {trial}");
        let Message::Order(order) = parse_message(&order).unwrap() else {
            panic!("no order")
        };
        let file = order.container.uri.local_path().unwrap().to_owned();
        let written = std::fs::read(&file).unwrap();

        gate.open();
        let outcome = running.await.unwrap();
        assert!(
            matches!(outcome, Outcome::RetryLater(_)),
            "trial {trial}: {outcome:?}"
        );
        assert!(std::fs::read(&file).unwrap() == written, "trial {trial}");
        let parts: Vec<_> = world
            .files()
            .into_iter()
            .filter(|file| file.extension().is_some_and(|kind| kind == "part"))
            .collect();
        assert!(parts.is_empty(), "trial {trial}: {parts:?}");
        let events = world.mailbox.waiting(EVENTS);
        assert_eq!(events.len(), 1, "trial {trial}");
        match parse_message(&events[0]).unwrap() {
            Message::Task(event) => assert_eq!(event.status, TaskStatus::TaskSuccessful),
            other => panic!("{other:?}"),
        }
        world.deliver_all().await;
        assert_eq!(world.state(id).await, JobState::Done);
        world.app.sweep(&super::at_once()).await.unwrap();
        assert!(world.mailbox.take().is_none());
    }
}
