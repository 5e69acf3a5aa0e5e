//! One cluster: its making, its address and the command that runs it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail};
use runtime::SecretString;
use uuid::Uuid;

use super::binaries::Binaries;
use super::leftovers;
use super::owner::{Owner, Reachable};
use crate::up::folder::{free_port, port_is_free};

/// Name of the superuser and of the database.
const NAME: &str = "geocube";

/// A cluster of one database, reached over loopback with a password.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    owner: Option<Owner>,
    /// Real path of the data.
    data: PathBuf,
    /// The folder of the cluster as children reach it.
    reachable: Reachable,
    password: String,
    port: u16,
}

impl Cluster {
    /// The cluster below `folder`, made now when there is none, at rest: what an earlier run left running is stopped.
    ///
    /// # Errors
    /// When `PostgreSQL` is not installed, or says no.
    pub fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let owner = Owner::choose(&data)?;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        if let Some(owner) = owner {
            owner
                .give(folder)
                .context("cannot give the database to its user")?;
        }
        let made_by = fs::read_to_string(data.join("PG_VERSION"))
            .ok()
            .and_then(|version| version.trim().parse().ok());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut cluster = Self {
            binaries: Binaries::find(&path, made_by)?,
            owner,
            reachable: Reachable::open(folder, owner)?,
            password: password(folder)?,
            port: 0,
            data,
        };
        leftovers::clear(&cluster.data);
        if made_by.is_none() {
            cluster.make(folder)?;
        }
        cluster.port = port(folder)?;
        Ok(cluster)
    }

    /// Major version of `PostgreSQL`.
    pub fn version(&self) -> u32 {
        self.binaries.version
    }

    /// Its port of loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The database as a URL, with its password.
    pub fn url(&self) -> SecretString {
        let Self { password, port, .. } = self;
        SecretString::from(format!(
            "postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}"
        ))
    }

    /// The server, ready to be started. Remains of its last run are cleared away.
    pub fn command(&self) -> Command {
        leftovers::clear(&self.data);
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.reachable.path().join("data"));
        for setting in [
            &format!("port={}", self.port),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
        ] {
            command.arg("-c").arg(setting);
        }
        command
    }

    /// Makes the data beside their place and moves them there when they are complete.
    fn make(&self, folder: &Path) -> anyhow::Result<()> {
        if self.data.exists() {
            bail!(
                "{} holds no cluster of PostgreSQL that can be read: move it away, or choose another folder",
                self.data.display()
            );
        }
        let unfinished = folder.join("data.new");
        if unfinished.exists() {
            leftovers::kill(&unfinished);
            fs::remove_dir_all(&unfinished)
                .with_context(|| format!("cannot remove {}", unfinished.display()))?;
        }
        let handed_over = folder.join("password.new");
        write_secret(&handed_over, &self.password)?;
        if let Some(owner) = self.owner {
            owner.give(&handed_over)?;
        }
        let place = self.reachable.path();
        let output = self
            .program("initdb")
            .arg("-D")
            .arg(place.join("data.new"))
            .arg("--pwfile")
            .arg(place.join("password.new"))
            .args(["--username", NAME, "--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8"])
            .output();
        fs::remove_file(&handed_over)?;
        check("initdb", &output.context("cannot run initdb")?)?;
        self.create_database(&place.join("data.new"))?;
        fs::rename(&unfinished, &self.data).context("cannot move the new database to its place")
    }

    /// Creates the database while no server runs, so that it is there before anybody can ask for it.
    fn create_database(&self, data: &Path) -> anyhow::Result<()> {
        let mut child = self
            .program("postgres")
            .args(["--single", "-D"])
            .arg(data)
            .arg("postgres")
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot run postgres")?;
        let mut statements = child.stdin.take().context("no input")?;
        writeln!(statements, "CREATE DATABASE {NAME}")?;
        drop(statements);
        check("postgres --single", &child.wait_with_output()?)
    }

    /// A program of `PostgreSQL` run by the owner of the data.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        if let Some(owner) = self.owner {
            owner.run(&mut command);
        }
        // the folder of the caller may be closed to the owner
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// The password of the cluster, made up on the first run.
fn password(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("password");
    if let Ok(kept) = fs::read_to_string(&path)
        && !kept.is_empty()
    {
        return Ok(kept);
    }
    let password = Uuid::new_v4().simple().to_string();
    write_secret(&path, &password)?;
    Ok(password)
}

/// The port of the cluster: the same one every time, unless somebody else has taken it.
fn port(folder: &Path) -> anyhow::Result<u16> {
    let path = folder.join("port");
    let kept = fs::read_to_string(&path)
        .ok()
        .and_then(|port| port.trim().parse().ok());
    if let Some(port) = kept
        && port_is_free(port)
    {
        return Ok(port);
    }
    let port = free_port().context("no free port")?;
    fs::write(&path, format!("{port}\n"))?;
    Ok(port)
}

/// A file that only its owner reads, whole or not at all.
fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("part");
    let _ = fs::remove_file(&beside);
    let mut file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .with_context(|| format!("cannot write {}", beside.display()))?;
    file.write_all(secret.as_bytes())?;
    fs::rename(&beside, path)?;
    Ok(())
}

fn check(program: &str, output: &Output) -> anyhow::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{program} failed ({}): {}", output.status, said.trim())
}
