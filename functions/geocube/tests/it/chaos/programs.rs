//! The programs, as processes that may die.

use crate::system::geocube;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Api,
    Consolidater,
}

pub struct Programs {
    api: Program,
    consolidater: Program,
    /// `host:port` of the API server.
    pub address: String,
}

struct Program {
    command: Command,
    log: std::path::PathBuf,
    process: Option<Child>,
}

impl Programs {
    /// The programs over a folder and a database, not started yet.
    pub fn new(folder: &Path, database: &str) -> Self {
        let [api_port, port] = free_ports();
        let shared = [
            "--host=127.0.0.1".to_owned(),
            format!("--cancelledJobs={}", folder.join("cancelled").display()),
            format!("--ingestionStorage={}", folder.join("data").display()),
            "--local".to_owned(),
        ];
        let mut api = vec![
            format!("--port={api_port}"),
            format!("--consolidaterUrl=http://127.0.0.1:{port}"),
        ];
        let soon = [
            ("sweepInterval", 200),
            ("resendMessageAfter", 300),
            ("rerunActionAfter", 500),
            ("resendOrderAfter", 1000),
            ("resendLostOrderAfter", 300),
            ("publishResultAfter", 300),
            ("deletePartAfter", 300),
        ];
        api.extend(soon.map(|(flag, millis)| format!("--{flag}={millis}ms")));
        let consolidater = [
            format!("--port={port}"),
            format!("--workdir={}", folder.join("work").display()),
            // a worker that is killed again and again is no fault of the order
            "--retryCount=10000".to_owned(),
        ];
        let program = |name: &str, arguments: &[String]| {
            let path = Path::new(geocube()).with_file_name(name);
            let mut command = Command::new(path);
            command
                .args(&shared)
                .args(arguments)
                .env("GEOCUBE_DB_CONNECTION", database);
            Program {
                command,
                log: folder.join(format!("{name}.log")),
                process: None,
            }
        };
        Self {
            api: program("geocube-apiserver", &api),
            consolidater: program("geocube-consolidater", &consolidater),
            address: format!("127.0.0.1:{api_port}"),
        }
    }

    /// Starts both, with what is to happen at a place for as long as they live.
    pub fn start(&mut self, failpoints: Option<&str>) {
        // of an order the worker, of everything else the server
        let of_worker = failpoints.is_some_and(|place| place.starts_with("order."));
        self.api.start(failpoints.filter(|_| !of_worker));
        self.consolidater.start(failpoints.filter(|_| of_worker));
    }

    /// Starts one again.
    pub fn restart(&mut self, which: Which) {
        self.program(which).start(None);
    }

    /// Kills the API server or the consolidater.
    pub fn kill_one(&mut self, api: bool) {
        let which = if api { Which::Api } else { Which::Consolidater };
        if let Some(process) = &mut self.program(which).process {
            process.kill().unwrap();
        }
    }

    pub fn kill(&mut self) {
        for which in [Which::Api, Which::Consolidater] {
            if let Some(mut process) = self.program(which).process.take() {
                process.kill().unwrap();
                process.wait().unwrap();
            }
        }
    }

    /// Those that do not run any more.
    pub fn died(&mut self) -> Vec<Which> {
        let mut died = Vec::new();
        for which in [Which::Api, Which::Consolidater] {
            let process = &mut self.program(which).process;
            let Some(status) = process.as_mut().and_then(|child| child.try_wait().unwrap()) else {
                continue;
            };
            // by a signal, never by itself
            assert_eq!(
                status.code(),
                None,
                "{which:?} ended by itself: {}",
                self.last_words()
            );
            self.program(which).process = None;
            died.push(which);
        }
        died
    }

    /// The end of what both have said.
    pub fn last_words(&self) -> String {
        let words = [&self.api, &self.consolidater].map(|program| {
            let text = fs::read_to_string(&program.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(60)..];
            format!("== {}\n{}\n", program.log.display(), last.join("\n"))
        });
        words.concat()
    }

    fn program(&mut self, which: Which) -> &mut Program {
        match which {
            Which::Api => &mut self.api,
            Which::Consolidater => &mut self.consolidater,
        }
    }
}

impl Program {
    fn start(&mut self, failpoints: Option<&str>) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        self.command
            .env("FAILPOINTS", failpoints.unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(self.command.spawn().unwrap());
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
