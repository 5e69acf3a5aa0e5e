//! One program that is kept running.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use tokio::process::{Child, Command};

use super::process::Identity;

/// A log that has grown beyond this is set aside at the next start.
const LONGEST_LOG: u64 = 20_000_000;
/// What is shown of the log of a program that died.
const LINES_SHOWN: usize = 15;

/// How to start and stop a program.
pub struct Service {
    /// Its name for people.
    pub name: &'static str,
    /// Where its output goes.
    pub log: PathBuf,
    /// Where its process is noted, for a later run to find what this one left behind.
    pub pid_file: PathBuf,
    /// What asks it to end.
    pub stop_signal: Signal,
    /// How long it may take to end.
    pub grace: Duration,
    /// The command of the next start.
    pub command: Box<dyn Fn() -> std::process::Command + Send + Sync>,
}

/// A started program.
pub struct Running {
    /// The child process.
    pub child: Child,
    identity: Option<Identity>,
    /// Length of the log when it started.
    log_start: u64,
}

impl Service {
    /// Starts the program, apart from the terminal's signals: the order of a stop is this program's business.
    ///
    /// # Errors
    /// When the program or its log is out of reach.
    pub fn start(&self) -> anyhow::Result<Running> {
        let log = self.open_log()?;
        let log_start = log.metadata().map_or(0, |found| found.len());
        let mut command = Command::from((self.command)());
        command
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.name))?;
        let identity = child.id().and_then(Identity::of);
        if let Some(identity) = &identity {
            identity
                .save(&self.pid_file)
                .with_context(|| format!("cannot note the process of {}", self.name))?;
        }
        Ok(Running {
            child,
            identity,
            log_start,
        })
    }

    /// Stops the program and waits for its end.
    pub async fn stop(&self, mut running: Running) {
        if let Some(identity) = &running.identity {
            identity.send(self.stop_signal);
        }
        let ended = tokio::time::timeout(self.grace, running.child.wait()).await;
        if ended.is_err() {
            // an error means that it ended by itself just now
            let _ = running.child.kill().await;
        }
        let _ = fs::remove_file(&self.pid_file);
    }

    /// The last lines that the program wrote in this run.
    pub fn last_words(&self, running: &Running) -> String {
        let mut text = Vec::new();
        let from_start = |mut log: File| {
            let length = log.metadata()?.len();
            let tail = length.saturating_sub(16_384);
            log.seek(SeekFrom::Start(running.log_start.max(tail)))?;
            log.take(16_384).read_to_end(&mut text)
        };
        // a log that cannot be read has no words
        let _ = File::open(&self.log).and_then(from_start);
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }

    fn open_log(&self) -> anyhow::Result<File> {
        if fs::metadata(&self.log).is_ok_and(|found| found.len() > LONGEST_LOG) {
            let _ = fs::rename(&self.log, self.log.with_extension("log.old"));
        }
        File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))
    }
}

/// Ends the program that an earlier run noted, when that still runs.
pub fn end_leftover(pid_file: &Path, signal: Signal, grace: Duration) {
    if let Some(leftover) = Identity::load(pid_file) {
        leftover.end(signal, grace);
    }
    let _ = fs::remove_file(pid_file);
}
