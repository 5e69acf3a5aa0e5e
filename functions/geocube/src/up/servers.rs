//! The API server and the consolidater.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use runtime::{ExposeSecret, SecretString};
use rustix::process::Signal;

use super::flags::{Flags, shared_with_consolidater};
use super::folder::{Folder, free_port, port_is_free};
use super::service::Service;

/// How long work in flight may take once a stop is asked for.
const GRACE: Duration = Duration::from_secs(5);

const API: &str = "apiserver";
const CONSOLIDATER: &str = "consolidater";

/// Where the servers listen on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Of the API server.
    pub api: u16,
    /// Of the consolidater.
    pub consolidater: u16,
}

impl Ports {
    /// The ports asked for, or free ones.
    ///
    /// # Errors
    /// When one is in use.
    pub fn choose(flags: &Flags) -> anyhow::Result<Self> {
        let choose = |flag: &str, port: u16| match port {
            0 => free_port().context("no free port"),
            port if port_is_free(port) => Ok(port),
            port => bail!(
                "port {port} of 127.0.0.1 is in use: stop what listens there, or choose another one with {flag} (0 takes a free one)"
            ),
        };
        Ok(Self {
            api: choose("--port", flags.port)?,
            consolidater: choose("--consolidaterPort", flags.consolidater_port)?,
        })
    }
}

/// Refuses what cannot be passed on.
///
/// # Errors
/// For flags that would make the servers unreachable to this program.
pub fn check(passed: &[String]) -> anyhow::Result<()> {
    let tls = |flag: &String| {
        let name = flag.trim_start_matches('-');
        flag.starts_with('-') && (name == "tls" || name.starts_with("tls="))
    };
    if passed.iter().any(tls) {
        bail!("--tls: `geocube up` serves in clear, on loopback only");
    }
    Ok(())
}

/// Ends the servers of an earlier run on the folder.
pub fn end_leftovers(folder: &Folder) {
    std::thread::scope(|scope| {
        for name in [API, CONSOLIDATER] {
            let pid_file = folder.pid_file(name);
            scope.spawn(move || super::service::end_leftover(&pid_file, Signal::TERM, GRACE));
        }
    });
}

/// The API server, then the consolidater.
///
/// # Errors
/// When their programs are missing.
pub fn services(
    folder: &Folder,
    flags: &Flags,
    ports: Ports,
    database: &SecretString,
) -> anyhow::Result<[Service; 2]> {
    let mut api = common(folder, ports.api);
    api.push(format!(
        "--consolidaterUrl=http://127.0.0.1:{}",
        ports.consolidater
    ));
    api.extend(flags.for_the_api_server());
    let mut consolidater = common(folder, ports.consolidater);
    consolidater.push(format!("--workdir={}", folder.work().display()));
    consolidater.extend(shared_with_consolidater(&flags.passed));
    Ok([
        service(folder, API, program("geocube-apiserver")?, api, database),
        service(
            folder,
            CONSOLIDATER,
            program("geocube-consolidater")?,
            consolidater,
            database,
        ),
    ])
}

/// Flags of both servers.
fn common(folder: &Folder, port: u16) -> Vec<String> {
    vec![
        "--host=127.0.0.1".to_owned(),
        format!("--port={port}"),
        format!("--cancelledJobs={}", folder.cancelled().display()),
        format!("--ingestionStorage={}", folder.data().display()),
    ]
}

/// Has the API server read its command line, before anything is started. The consolidater gets a part of the same flags.
///
/// # Errors
/// What it says of a flag that it does not know, or of a value that it cannot take.
pub fn understood(folder: &Folder, flags: &Flags) -> anyhow::Result<()> {
    // where the database will be is not known yet, only that there will be one
    let database = SecretString::from("postgresql://localhost/geocube");
    let ports = Ports {
        api: flags.port,
        consolidater: flags.consolidater_port,
    };
    let [api, _] = services(folder, flags, ports, &database)?;
    let start = (api.command)();
    let mut check = Command::new(start.get_program());
    // in front, where no flag without its value takes it for one
    check.arg("--check").args(start.get_args());
    check.envs(
        start
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let said = check.output().context("cannot run the API server")?;
    if said.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&said.stderr);
    bail!("the API server refuses its flags: {}", reason(&text));
}

/// The first line that says something, without its mark.
fn reason(text: &str) -> &str {
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("no reason given")
        .trim_start_matches("error: ")
}

fn service(
    folder: &Folder,
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    database: &SecretString,
) -> Service {
    let database = database.clone();
    Service {
        name,
        log: folder.log(name),
        pid_file: folder.pid_file(name),
        stop_signal: Signal::TERM,
        grace: GRACE,
        command: Box::new(move || {
            let mut command = Command::new(&program);
            // the environment of a process is seen by its user alone, its command line by everybody
            command
                .args(&arguments)
                .env("GEOCUBE_DB_CONNECTION", database.expose_secret());
            command
        }),
    }
}

/// A program of ours, beside this one.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let path = this.parent().unwrap_or(Path::new("/")).join(name);
    if !path.is_file() {
        bail!(
            "{} is missing: build the whole workspace, or put the programs into one folder",
            path.display()
        );
    }
    Ok(path)
}
