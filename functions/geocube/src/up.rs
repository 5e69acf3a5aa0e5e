//! `geocube up`: the whole system on this machine, on loopback, below one folder.
//!
//! It supervises three programs: a private `PostgreSQL`, the API server and the consolidater. Whatever an earlier run on
//! the same folder left behind, killed or not, is cleared away first; nothing else is ever touched.

mod flags;
mod folder;
mod postgres;
mod process;
mod ready;
mod servers;
mod service;
mod supervisor;

use std::time::Duration;

use anyhow::Context;
use runtime::shutdown::on_signal;
use runtime::{ExposeSecret, SecretString};
use rustix::process::Signal;
use tokio::task::spawn_blocking;

use crate::screen;
use folder::Folder;
use postgres::Cluster;
use servers::Ports;
use service::Service;
use supervisor::Supervised;

pub use flags::Flags;

/// How long the private database may take to stop.
const DATABASE_GRACE: Duration = Duration::from_secs(10);

/// Starts everything, says where it is, and keeps it running until SIGINT or SIGTERM.
///
/// # Errors
/// When the folder or a port is in use, or a program does not start.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    let stop = on_signal()?;
    servers::check(&flags.passed)?;
    let folder = Folder::take(&flags.data)?;
    servers::understood(&folder, &flags)?;
    let mut system = System::default();
    let started = tokio::select! {
        started = system.start(&folder, &flags) => started,
        () = stop.cancelled() => Ok(()),
    };
    if started.is_ok() {
        stop.cancelled().await;
        screen::note("stopping");
    }
    system.stop().await;
    started
}

/// What runs so far.
#[derive(Default)]
struct System {
    database: Option<Supervised>,
    servers: Vec<Supervised>,
}

impl System {
    async fn start(&mut self, folder: &Folder, flags: &Flags) -> anyhow::Result<()> {
        // before ports are chosen: a leftover may hold one
        servers::end_leftovers(folder);
        let ports = Ports::choose(flags)?;
        let url = match &flags.db {
            Some(url) => url.clone(),
            None => self.start_database(folder).await?,
        };
        let services = servers::services(folder, flags, ports, &url)?;
        database::migrate::run(url.expose_secret())
            .await
            .context("the database was not brought up to date")?;
        screen::result(&format!("database={}", url.expose_secret()));

        for service in services {
            self.servers.push(Supervised::start(service)?);
        }
        let names = ["API server", "consolidater"];
        let listening = [ports.api, ports.consolidater];
        for ((server, name), port) in self.servers.iter_mut().zip(names).zip(listening) {
            server.until(ready::server(name, port)).await?;
        }
        let api = format!("127.0.0.1:{}", ports.api);
        screen::result(&format!("ready grpc={api} http=http://{api}"));
        Ok(())
    }

    async fn start_database(&mut self, folder: &Folder) -> anyhow::Result<SecretString> {
        let place = folder.postgres();
        let cluster = spawn_blocking(move || Cluster::prepare(&place)).await??;
        screen::note(&format!(
            "starting PostgreSQL {} in {}",
            cluster.version(),
            folder.postgres().display()
        ));
        let (port, url) = (cluster.port(), cluster.url());
        let service = Service {
            name: "postgres",
            log: folder.log("postgres"),
            pid_file: folder.pid_file("postgres"),
            // fast shutdown: sessions are ended, nothing is lost
            stop_signal: Signal::INT,
            grace: DATABASE_GRACE,
            command: Box::new(move || cluster.command()),
        };
        let database = self.database.insert(Supervised::start(service)?);
        database.until(ready::database(port, &url)).await?;
        Ok(url)
    }

    /// Servers first, so that none misses its database while it finishes.
    async fn stop(self) {
        let mut stopping = tokio::task::JoinSet::new();
        for server in self.servers {
            stopping.spawn(server.stop());
        }
        stopping.join_all().await;
        if let Some(database) = self.database {
            database.stop().await;
        }
    }
}
