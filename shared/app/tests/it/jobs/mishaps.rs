//! Each event of each kind of job is lost once, and each state is entered once by a process that dies; or all that was
//! delivered comes again and again.

use super::at_once;
use super::recovery::die_after_saving;
use crate::world::{Added, ORDERS, Scene, World};
use app::job::{NewDeletion, PushAnswer};
use bytes::Bytes;
use domain::JobId;
use domain::job::{ExecutionLevel, JobState, Message, parse_message};
use std::collections::BTreeSet;

/// What happens to an event of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    /// The queue loses it. Commands are left out: their user sees that nothing happens.
    Loss,
    /// Who receives it saves the state and dies; it is delivered again.
    Death,
    /// Not one event but every message is delivered once more after each later one, and every command is issued twice.
    Again,
}

/// Delivers messages, one of which meets with a mishap.
struct Courier<'a> {
    world: &'a World,
    mishap: Mishap,
    /// Number of the event that meets with it.
    at: usize,
    /// Events so far.
    seen: usize,
    /// Whether an event is lost that was not found yet.
    lost: bool,
    /// Whether orders wait.
    holds_orders: bool,
    /// States in which a mishap happened.
    states: BTreeSet<&'static str>,
    /// What was delivered so far, to come again.
    delivered: Vec<(String, Bytes)>,
}

impl Courier<'_> {
    /// Delivers everything, and what the sweeper finds.
    async fn deliver(&mut self) {
        loop {
            while let Some((queue, data)) = self.world.mailbox.take() {
                if queue == ORDERS && self.holds_orders {
                    continue;
                }
                if self.meets_mishap(&data).await {
                    continue;
                }
                let answer = self.world.deliver(&queue, &data).await;
                let text = String::from_utf8_lossy(&data);
                assert_eq!(answer, PushAnswer::Done, "{queue}: {text}");
                if self.mishap == Mishap::Again {
                    self.delivered.push((queue, data));
                    self.deliver_again().await;
                }
            }
            if !self.lost {
                return;
            }
            self.lost = false;
            let swept = self.world.app.sweep(&at_once()).await.unwrap().unwrap();
            assert!(
                swept.actions >= 1,
                "{swept:?} at {} of {:?}",
                self.at,
                self.states
            );
        }
    }

    /// Whatever came so far comes once more.
    async fn deliver_again(&self) {
        for (queue, data) in &self.delivered {
            let answer = self.world.deliver(queue, data).await;
            let text = String::from_utf8_lossy(data);
            assert_eq!(answer, PushAnswer::Done, "again, {queue}: {text}");
        }
    }

    /// How often a user issues a command.
    fn clicks(&self) -> usize {
        if self.mishap == Mishap::Again { 2 } else { 1 }
    }

    async fn retry(&self, id: JobId, force: bool) {
        for _ in 0..self.clicks() {
            self.world.app.retry_job(id, force).await.unwrap();
        }
    }

    async fn cancel(&self, id: JobId, force: bool) {
        for _ in 0..self.clicks() {
            self.world.app.cancel_job(id, force).await.unwrap();
        }
    }

    /// Whether the message is lost.
    async fn meets_mishap(&mut self, data: &Bytes) -> bool {
        let Ok(Message::Job(event)) = parse_message(data) else {
            return false;
        };
        if self.mishap == Mishap::Loss && event.status.is_command() {
            return false;
        }
        let number = self.seen;
        self.seen += 1;
        if self.mishap == Mishap::Again || number != self.at {
            return false;
        }
        if self.mishap == Mishap::Death {
            die_after_saving(self.world, event.job_id, data).await;
        }
        self.states
            .insert(self.world.state(event.job_id).await.name());
        self.lost = self.mishap == Mishap::Loss;
        self.lost
    }
}

/// What the users of a job do.
#[derive(Clone, Copy, Debug)]
enum Journey {
    Consolidation,
    Retry,
    ForcedRetry,
    Cancellation,
    Deletion,
    CancelledDeletion,
}

const JOURNEYS: [Journey; 6] = [
    Journey::Consolidation,
    Journey::Retry,
    Journey::ForcedRetry,
    Journey::Cancellation,
    Journey::Deletion,
    Journey::CancelledDeletion,
];

impl Journey {
    /// Makes a job and sees it to its end.
    async fn go(self, courier: &mut Courier<'_>, day: u32) {
        let world = courier.world;
        let (app, added) = (&world.app, world.add(day, Scene::new(day)).await);
        let name = format!("job-{day}");
        let consolidation = world.consolidation(&name, &[added.record]);
        let (id, end) = match self {
            Self::Consolidation => {
                let id = app.consolidate(consolidation).await.unwrap();
                courier.deliver().await;
                (id, JobState::Done)
            }
            Self::Retry => {
                std::fs::write(&added.file, b"no image").unwrap();
                let id = app.consolidate(consolidation).await.unwrap();
                courier.deliver().await;
                assert_eq!(world.state(id).await, JobState::ConsolidationFailed);
                Scene::new(day).write(&added.file);
                courier.retry(id, false).await;
                courier.deliver().await;
                (id, JobState::Done)
            }
            Self::ForcedRetry => {
                let id = app.consolidate(consolidation).await.unwrap();
                courier.until_in_progress(id).await;
                courier.retry(id, true).await;
                courier.deliver().await;
                (id, JobState::Done)
            }
            Self::Cancellation => {
                let id = app.consolidate(consolidation).await.unwrap();
                courier.until_in_progress(id).await;
                courier.cancel(id, false).await;
                courier.deliver().await;
                (id, JobState::Failed)
            }
            Self::Deletion => {
                let id = delete(courier, &added, ExecutionLevel::Asynchronous).await;
                (id, JobState::Done)
            }
            Self::CancelledDeletion => {
                let id = delete(courier, &added, ExecutionLevel::StepByStepCritical).await;
                assert_eq!(world.state(id).await, JobState::DeletionInProgress);
                courier.cancel(id, false).await;
                courier.deliver().await;
                (id, JobState::Failed)
            }
        };
        let job = world.job(id).await;
        assert_eq!(job.job.state, end, "{self:?}: {:#?}", job.logs);
        assert_eq!(world.locked(&[id]).await, 0, "{self:?}");
        for deletion in world.deletions().await {
            assert_eq!(deletion.job.state, JobState::Done, "{:#?}", deletion.logs);
        }
        if matches!(self, Self::Deletion) {
            assert!(!added.file.exists());
        } else {
            let pixels = world.pixels(added.record).await;
            assert_eq!(pixels, Scene::new(day).pixels(), "{self:?}");
        }
    }
}

impl Courier<'_> {
    async fn until_in_progress(&mut self, id: JobId) {
        self.holds_orders = true;
        self.deliver().await;
        self.holds_orders = false;
        let state = self.world.state(id).await;
        assert_eq!(state, JobState::ConsolidationInProgress);
    }
}

async fn delete(courier: &mut Courier<'_>, added: &Added, level: ExecutionLevel) -> JobId {
    let new = NewDeletion {
        name: String::new(),
        records: vec![added.record],
        instances: Vec::new(),
        patterns: Vec::new(),
        level,
    };
    let job = courier.world.app.delete_datasets(new).await.unwrap().job;
    courier.deliver().await;
    job.id
}

/// Runs each journey again and again, with the mishap one event later each time; the states in which it happened.
async fn all_journeys(mishap: Mishap) -> Option<BTreeSet<&'static str>> {
    let world = World::new().await?;
    let mut states = BTreeSet::new();
    let mut days = 0..;
    for journey in JOURNEYS {
        for at in 0.. {
            let mut courier = Courier {
                world: &world,
                mishap,
                at,
                seen: 0,
                lost: false,
                holds_orders: false,
                states: BTreeSet::new(),
                delivered: Vec::new(),
            };
            journey.go(&mut courier, days.next().unwrap()).await;
            states.extend(courier.states);
            if mishap == Mishap::Again || courier.seen <= at {
                break;
            }
        }
    }
    Some(states)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_whichever_of_its_events_is_lost() {
    let Some(states) = all_journeys(Mishap::Loss).await else {
        return;
    };
    let expected = [
        "ABORTED",
        "CONSOLIDATIONCANCELLING",
        "CONSOLIDATIONDONE",
        "CONSOLIDATIONEFFECTIVE",
        "CONSOLIDATIONFORCERETRYING",
        "CONSOLIDATIONINDEXED",
        "CONSOLIDATIONINPROGRESS",
        "CONSOLIDATIONRETRYING",
        "CREATED",
        "DELETIONEFFECTIVE",
        "DELETIONINPROGRESS",
        "NEW",
    ];
    assert_eq!(states, expected.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn s43_whoever_dies_in_any_state_of_any_job_is_replaced() {
    let Some(states) = all_journeys(Mishap::Death).await else {
        return;
    };
    let expected = [
        "ABORTED",
        "CONSOLIDATIONCANCELLING",
        "CONSOLIDATIONDONE",
        "CONSOLIDATIONEFFECTIVE",
        "CONSOLIDATIONFAILED",
        "CONSOLIDATIONFORCERETRYING",
        "CONSOLIDATIONINDEXED",
        "CONSOLIDATIONINPROGRESS",
        "CONSOLIDATIONRETRYING",
        "CREATED",
        "DELETIONEFFECTIVE",
        "DELETIONINPROGRESS",
        "DONE",
        "FAILED",
    ];
    assert_eq!(states, expected.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_as_it_should_however_often_messages_and_commands_come_again() {
    all_journeys(Mishap::Again).await;
}
