//! The main job by workers that pull their orders, from the embedded queue and from Pub/Sub, and with ends of such
//! workers in the middle of an order.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use database::testing::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::pubsub::{Process, free_port, run_demo, server, wait_for};
use crate::system::{geocube, programs_are_built};

const PATIENCE: Duration = Duration::from_mins(1);

/// Makes whatever an order does between its steps take half a second.
const DAWDLE: &str = "CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END';
    CREATE TRIGGER dawdle BEFORE UPDATE ON geocube.task_leases FOR EACH ROW EXECUTE FUNCTION public.dawdle()";
const HURRY: &str = "DROP TRIGGER dawdle ON geocube.task_leases";
/// As if the two minutes had gone by in which nothing is heard of a worker.
const TIME_GOES_BY: &str =
    "UPDATE geocube.task_leases SET lease_until = now() WHERE status = 'RUNNING'";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Embedded,
    PubSub,
}

/// An API server whose orders wait to be pulled.
struct World {
    database: TestDatabase,
    folder: TempDir,
    queue: Queue,
    names: [String; 2],
    port: u16,
    _api: Process,
}

/// A worker that pulls.
struct Worker {
    process: Process,
    port: u16,
}

impl World {
    /// `None`, said on standard error, when something is missing on this machine.
    async fn open(queue: Queue) -> Option<Self> {
        let database = TestDatabase::create().await?;
        if !programs_are_built() {
            return None;
        }
        if queue == Queue::PubSub && std::env::var_os("PUBSUB_EMULATOR_HOST").is_none() {
            eprintln!("skipped: needs PUBSUB_EMULATOR_HOST");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let suffix = uuid::Uuid::new_v4().simple().to_string();
        let names = ["events", "orders"].map(|name| format!("{name}-{suffix}"));
        let port = free_port();
        let mut api = Command::new(server("geocube-apiserver"));
        api.args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--local",
        ])
        .args(["--dbConnection", &database.url()])
        .args(["--eventsQueue", &names[0]])
        .args(["--consolidationsQueue", &names[1]])
        .arg("--ingestionStorage")
        .arg(folder.path().join("files"))
        .arg("--cancelledJobs")
        .arg(folder.path().join("cancelled"));
        if queue == Queue::PubSub {
            // the emulator goes on giving messages to a worker that ended: the sweep sends such orders again
            api.args(["--project", "geocube-emulator", "--sweepInterval", "2s"])
                .args(["--resendOrderAfter", "10s", "--resendLostOrderAfter", "2s"]);
            let url = format!("http://127.0.0.1:{port}");
            let setup = Command::new(geocube())
                .args(["pubsub-setup", "--geocube-server", &url])
                .args(["--eventsQueue", &names[0]])
                .args(["--consolidationsQueue", &names[1]])
                .output()
                .unwrap();
            assert!(setup.status.success(), "{setup:?}");
        }
        let world = Self {
            _api: Process::start(&mut api),
            database,
            folder,
            queue,
            names,
            port,
        };
        wait_for(&format!("http://127.0.0.1:{port}")).await;
        Some(world)
    }

    async fn worker(&self, name: &str) -> Worker {
        let port = free_port();
        let mut command = Command::new(server("geocube-consolidater"));
        command
            .args(["--pull", "--host", "127.0.0.1", "--pull-port"])
            .arg(port.to_string())
            .args(["--dbConnection", &self.database.url()])
            .args(["--eventsQueue", &self.names[0]])
            .args(["--consolidationsQueue", &self.names[1], "--workdir"])
            .arg(self.folder.path().join(name))
            .arg("--cancelledJobs")
            .arg(self.folder.path().join("cancelled"));
        if self.queue == Queue::PubSub {
            command.args(["--psProject", "geocube-emulator"]);
        }
        let process = Process::start(&mut command);
        wait_for(&format!("http://127.0.0.1:{port}/healthz")).await;
        Worker { process, port }
    }

    /// Runs the main job beside the test.
    fn begin_job(&self) -> JoinHandle<()> {
        let (port, scratch): (u16, PathBuf) = (self.port, self.folder.path().to_owned());
        tokio::task::spawn_blocking(move || run_demo(port, &scratch))
    }
}

impl Worker {
    /// Milliseconds since the order in work began.
    async fn termination_cost(&self) -> u64 {
        let url = format!("http://127.0.0.1:{}/termination_cost", self.port);
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap().parse().unwrap()
    }

    async fn is_in_the_middle(&self) {
        let begun = Instant::now();
        while self.termination_cost().await == 0 {
            assert!(begun.elapsed() < PATIENCE, "no order came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ends(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the worker goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn two_workers_share_the_main_job(queue: Queue) {
    let Some(world) = World::open(queue).await else {
        return;
    };
    let workers = [world.worker("first").await, world.worker("second").await];
    for worker in &workers {
        assert_eq!(worker.termination_cost().await, 0);
    }
    world.begin_job().await.unwrap();
}

async fn a_worker_that_is_told_to_stop_loses_nothing(queue: Queue) {
    let Some(world) = World::open(queue).await else {
        return;
    };
    world.database.run(&[DAWDLE]).await;
    let mut worker = world.worker("first").await;
    let job = world.begin_job();
    worker.is_in_the_middle().await;
    let id = worker.process.0.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told.unwrap().success());
    assert!(worker.ends().await.success());
    world.database.run(&[HURRY]).await;
    let _next = world.worker("second").await;
    job.await.unwrap();
}

async fn a_worker_that_is_killed_is_replaced(queue: Queue) {
    let Some(world) = World::open(queue).await else {
        return;
    };
    world.database.run(&[DAWDLE]).await;
    let mut worker = world.worker("first").await;
    let job = world.begin_job();
    worker.is_in_the_middle().await;
    worker.process.0.kill().unwrap();
    assert!(!worker.ends().await.success());
    world.database.run(&[HURRY]).await;
    if queue == Queue::PubSub {
        world.database.run(&[TIME_GOES_BY]).await;
    }
    let _next = world.worker("second").await;
    job.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_main_job_on_the_embedded_queue() {
    two_workers_share_the_main_job(Queue::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_main_job_over_pubsub() {
    two_workers_share_the_main_job(Queue::PubSub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_loses_nothing_of_the_embedded_queue() {
    a_worker_that_is_told_to_stop_loses_nothing(Queue::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_loses_nothing_of_pubsub() {
    a_worker_that_is_told_to_stop_loses_nothing(Queue::PubSub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_replaced_on_the_embedded_queue() {
    a_worker_that_is_killed_is_replaced(Queue::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_replaced_over_pubsub() {
    a_worker_that_is_killed_is_replaced(Queue::PubSub).await;
}
