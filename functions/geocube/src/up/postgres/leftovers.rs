//! What an earlier run left behind.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::up::process::working_in;

/// How long an orderly stop may take.
const GRACE: Duration = Duration::from_secs(5);

/// Ends every server process of the cluster in `data` and drops its lock file. The processes are known by their
/// working folder, as all those of `PostgreSQL` work in the folder of their data.
pub fn clear(data: &Path) {
    let lock_file = data.join("postmaster.pid");
    let found = working_in(data, "postgres");
    let main = main_process(&lock_file).and_then(|pid| found.iter().find(|one| one.pid == pid));
    if let Some(main) = main {
        // fast shutdown: its children go with it
        main.end(Signal::INT, GRACE);
    }
    kill(data);
    // the id noted there may meanwhile be that of any other process, for which PostgreSQL would refuse to start
    if working_in(data, "postgres").is_empty() {
        let _ = fs::remove_file(lock_file);
    }
}

/// Kills every server process that works in `data`, for data that are not to be kept.
pub fn kill(data: &Path) {
    for process in working_in(data, "postgres") {
        process.end(Signal::KILL, Duration::ZERO);
    }
}

/// The main process noted in the lock file.
fn main_process(lock_file: &Path) -> Option<u32> {
    let text = fs::read_to_string(lock_file).ok()?;
    text.lines().next()?.trim().parse().ok()
}
