//! One `geocube up` under test.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take, the making of a database included.
const LONGEST_START: Duration = Duration::from_secs(90);

/// The program under test.
pub fn geocube() -> &'static str {
    env!("CARGO_BIN_EXE_geocube")
}

/// Whether the servers lie beside it and a database can be made; says what is missing.
pub fn programs_are_built() -> bool {
    let folder = Path::new(geocube()).parent().unwrap();
    for program in ["geocube-apiserver", "geocube-consolidater"] {
        if !folder.join(program).is_file() {
            eprintln!("skipped: needs {program} (cargo build --workspace --bins)");
            return false;
        }
    }
    if fs::read_dir("/usr/lib/postgresql").is_err() {
        eprintln!("skipped: needs PostgreSQL");
        return false;
    }
    true
}

/// A system that was started, and is stopped when dropped.
pub struct System {
    supervisor: Child,
    data: PathBuf,
    /// `host:port` of gRPC.
    pub grpc: String,
    /// Its port.
    pub port: String,
    /// The URL of the database.
    pub database: String,
}

/// How it ended.
pub struct Ended {
    /// With exit code 0.
    pub success: bool,
    /// How long it took.
    pub time: Duration,
}

impl System {
    /// Starts it and waits for its ready line.
    pub fn start(data: &Path, port: &str) -> Self {
        let out = data.with_extension("out");
        let mut supervisor = Command::new(geocube())
            .args(["up", "--local", "--port", port, "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(data.with_extension("err")).unwrap())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + LONGEST_START;
        let text = loop {
            let text = fs::read_to_string(&out).unwrap();
            if text.lines().any(|line| line.starts_with("ready ")) && text.ends_with('\n') {
                break text;
            }
            let ended = supervisor.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(data.with_extension("err")).unwrap();
                let _ = supervisor.kill();
                panic!("not ready ({ended:?}): {said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let database = lines[0].strip_prefix("database=").unwrap().to_owned();
        let words: Vec<&str> = lines[1].split(' ').collect();
        assert_eq!(words[0], "ready");
        let grpc = words[1].strip_prefix("grpc=").unwrap().to_owned();
        assert_eq!(words[2], format!("http=http://{grpc}"));
        Self {
            supervisor,
            data: data.to_owned(),
            port: grpc.rsplit(':').next().unwrap().to_owned(),
            grpc,
            database,
        }
    }

    /// Whether `GET /` is answered.
    pub fn answers(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect(&self.grpc)?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// The process of one of the programs.
    pub fn pid(&self, program: &str) -> u32 {
        self.pid_if_any(program).unwrap()
    }

    /// The process of one of the programs, when it runs.
    pub fn pid_if_any(&self, program: &str) -> Option<u32> {
        let path = self.data.join(format!("run/{program}.pid"));
        let text = fs::read_to_string(path).ok()?;
        text.split(' ').next()?.parse().ok()
    }

    /// Kills one of the programs.
    pub fn kill(&self, program: &str) {
        signal("-KILL", self.pid(program));
    }

    /// Kills the supervisor, and nothing else.
    pub fn kill_supervisor(&mut self) {
        self.supervisor.kill().unwrap();
        self.supervisor.wait().unwrap();
    }

    /// Asks for a stop.
    pub fn terminate(mut self) -> Ended {
        let begun = Instant::now();
        signal("-TERM", self.supervisor.id());
        let status = self.supervisor.wait().unwrap();
        Ended {
            success: status.success(),
            time: begun.elapsed(),
        }
    }

    /// Waits until something holds.
    pub fn wait_for(&self, longest: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + longest;
        while !holds(self) {
            let said = || fs::read_to_string(self.data.with_extension("err")).unwrap();
            assert!(Instant::now() < deadline, "not so: {what}: {}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Ok(None) = self.supervisor.try_wait() {
            signal("-TERM", self.supervisor.id());
            let _ = self.supervisor.wait();
        }
    }
}

/// Whether a process runs; zombies do not.
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn signal(signal: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
}
