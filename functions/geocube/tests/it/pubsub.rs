//! The main job over Pub/Sub: the emulator pushes events to the API server and orders to the consolidater.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use database::testing::TestDatabase;

use crate::system::{geocube, programs_are_built};

const PATIENCE: Duration = Duration::from_mins(1);

/// A process that is stopped with the test.
pub struct Process(pub Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the binary starts"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, beside the program of this package.
pub fn server(name: &str) -> PathBuf {
    Path::new(geocube()).with_file_name(name)
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

pub async fn wait_for(url: &str) {
    // the client asks for a provider even where it speaks in clear; another one in place is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if reqwest::get(url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{url} does not answer");
}

/// Runs the demo against a server and checks what it says.
pub fn run_demo(port: u16, folder: &Path) {
    let sheet = folder.join("sheet.png");
    let demo = Command::new(geocube())
        .args(["demo", "--server", &format!("127.0.0.1:{port}"), "--out"])
        .arg(&sheet)
        .output()
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = demo;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr),
    );
    assert!(status.success(), "{stdout}\n{stderr}");
    for expected in [
        "indexed 24 datasets",
        "the job is done",
        "equal pixels   all of the images on the grid",
    ] {
        assert!(
            stdout.contains(expected),
            "{expected:?} is missing in:\n{stdout}"
        );
    }
    assert!(std::fs::read(&sheet).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_runs_over_pubsub() {
    let Some(database) = TestDatabase::create().await else {
        return;
    };
    if !programs_are_built() {
        return;
    }
    if std::env::var_os("PUBSUB_EMULATOR_HOST").is_none() {
        eprintln!("skipped: needs PUBSUB_EMULATOR_HOST");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (api, consolidater) = (free_port(), free_port());
    let suffix = uuid::Uuid::new_v4().simple().to_string();
    let (events, orders) = (format!("events-{suffix}"), format!("orders-{suffix}"));
    let cancelled = folder.path().join("cancelled");
    let _api = Process::start(
        Command::new(server("geocube-apiserver"))
            .args(["--host", "127.0.0.1", "--port", &api.to_string(), "--local"])
            .args([
                "--dbConnection",
                &database.url(),
                "--project",
                "geocube-emulator",
            ])
            .args(["--eventsQueue", &events, "--consolidationsQueue", &orders])
            .arg("--ingestionStorage")
            .arg(folder.path().join("files"))
            .arg("--cancelledJobs")
            .arg(&cancelled)
            // the emulator is seen to lose a message that it was to deliver again
            .args(["--sweepInterval", "5s", "--resendOrderAfter", "20s"]),
    );
    let _consolidater = Process::start(
        Command::new(server("geocube-consolidater"))
            .args(["--host", "127.0.0.1", "--port", &consolidater.to_string()])
            .args([
                "--dbConnection",
                &database.url(),
                "--psProject",
                "geocube-emulator",
            ])
            // orders come all at once, and are carried out one by one
            .args(["--busy-hold", "60s", "--eventsQueue", &events, "--workdir"])
            .arg(folder.path().join("work"))
            .arg("--cancelledJobs")
            .arg(&cancelled),
    );
    let urls = [api, consolidater].map(|port| format!("http://127.0.0.1:{port}"));
    let setup = Command::new(geocube())
        .args([
            "pubsub-setup",
            "--geocube-server",
            &urls[0],
            "--consolidater-server",
            &urls[1],
        ])
        .args(["--eventsQueue", &events, "--consolidationsQueue", &orders])
        .output()
        .unwrap();
    assert!(
        setup.status.success(),
        "{}",
        String::from_utf8_lossy(&setup.stderr)
    );
    for url in &urls {
        wait_for(url).await;
    }
    let scratch = folder.path().to_owned();
    tokio::task::spawn_blocking(move || run_demo(api, &scratch))
        .await
        .unwrap();
}
