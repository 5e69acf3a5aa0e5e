//! Processes of this machine, told apart for sure: a process id alone may have been given to another process since.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// How often a process that is to end is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A process, distinct from all others that ever have its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    started: u64,
    /// The run of the machine.
    boot: String,
}

impl Identity {
    /// The live process of that id; a zombie is not alive.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Some(Self {
            pid,
            started: start_time(&stat)?,
            boot: boot.trim().to_owned(),
        })
    }

    /// Reads what [`save`](Self::save) wrote; nothing when there is no such file or it is torn.
    pub fn load(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut words = text.split_whitespace();
        Some(Self {
            pid: words.next()?.parse().ok()?,
            started: words.next()?.parse().ok()?,
            boot: words.next().unwrap_or_default().to_owned(),
        })
    }

    /// Notes the process in a file, all of it or nothing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let Self { pid, started, boot } = self;
        fs::write(&beside, format!("{pid} {started} {boot}\n"))?;
        fs::rename(beside, path)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Asks the process to end with `signal`, and kills it when it has not after `grace`. Returns when it is gone, or
    /// cannot be ended.
    pub fn end(&self, signal: Signal, grace: Duration) {
        self.send(signal);
        if self.is_gone_within(grace) {
            return;
        }
        self.send(Signal::KILL);
        self.is_gone_within(Duration::from_secs(5));
    }

    /// Sends a signal to this process and no other.
    pub fn send(&self, signal: Signal) {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return;
        };
        // the descriptor stays with the process that was looked at, whatever becomes of the id
        let descriptor = pidfd_open(pid, PidfdFlags::empty());
        if !self.is_alive() {
            return;
        }
        // an error means that it has ended meanwhile, or is not ours to end
        let _ = match descriptor {
            Ok(descriptor) => pidfd_send_signal(&descriptor, signal),
            Err(_) => kill_process(pid, signal),
        };
    }

    /// Waits for the end of the process.
    pub fn is_gone_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }
}

/// The live processes that work in `folder` and whose program has that file name.
pub fn working_in(folder: &Path, program: &str) -> Vec<Identity> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
        let runs_it = link("exe").is_some_and(|exe| file_name(&exe) == Some(program));
        runs_it && link("cwd").as_deref() == Some(folder)
    })
    .filter_map(Identity::of)
    .collect()
}

/// The kernel marks a program that was replaced since, as upgrades do.
fn file_name(program: &Path) -> Option<&str> {
    let name = program.file_name()?.to_str()?;
    Some(name.strip_suffix(" (deleted)").unwrap_or(name))
}

/// The 22nd field of `/proc/<pid>/stat`. The second one, the name, may hold anything, spaces and brackets too.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    #[test]
    fn the_start_time_is_found_behind_a_hostile_name() {
        let fields = |state: &str| {
            let numbers: Vec<String> = (4..=30).map(|field| field.to_string()).collect();
            format!("7 (a) b (c)) {state} {}", numbers.join(" "))
        };
        assert_eq!(start_time(&fields("S")), Some(22));
        assert_eq!(start_time(&fields("Z")), None, "a zombie");
        assert_eq!(start_time("7 (cut"), None);
        assert_eq!(start_time("7 (cut) S 1 2"), None);
    }

    #[test]
    fn a_process_is_recognised_and_ended() {
        let mut child = sleeper();
        let identity = Identity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        identity.end(Signal::TERM, Duration::from_secs(5));
        assert!(!identity.is_alive(), "a zombie counts as ended");
        child.wait().unwrap();
    }

    #[test]
    fn another_process_with_the_same_id_is_left_alone() {
        let mut child = sleeper();
        let mut identity = Identity::of(child.id()).unwrap();
        identity.started -= 1;
        identity.end(Signal::KILL, Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none());
        identity.started += 1;
        identity.boot.push('x');
        identity.end(Signal::KILL, Duration::ZERO);
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_saved_process_comes_back_and_a_torn_file_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("me.pid");
        let me = Identity::of(std::process::id()).unwrap();
        me.save(&path).unwrap();
        assert_eq!(Identity::load(&path), Some(me));
        for torn in ["", "12", "x y", "-1 5 b"] {
            fs::write(&path, torn).unwrap();
            assert_eq!(Identity::load(&path), None, "{torn:?}");
        }
        assert_eq!(Identity::load(&folder.path().join("none")), None);
    }

    #[test]
    fn processes_are_found_by_their_folder_and_program() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep")
            .arg("60")
            .current_dir(folder.path())
            .spawn()
            .unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        // where one program holds many tools, its file has another name
        let program = fs::read_link(format!("/proc/{}/exe", child.id())).unwrap();
        let name = program.file_name().unwrap().to_str().unwrap();
        let found: Vec<u32> = working_in(&real, name).iter().map(|p| p.pid).collect();
        assert_eq!(found, [child.id()]);
        assert!(working_in(&real, "other").is_empty());
        assert!(working_in(Path::new("/nonexistent"), name).is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
