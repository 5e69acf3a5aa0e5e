//! The concrete parts behind the worker.

use anyhow::Context;
use app::worker::WorkerOptions;
use database::{Database, PgConnectOptions, PoolOptions};
use domain::Uri;
use geocube_consolidater::config::Config;
use messaging::Publisher;
use messaging::pgqueue::PgQueue;
use messaging::pubsub::{Connection as Broker, PubSubPublisher};
use runtime::config::Messaging;
use runtime::{ExposeSecret, secret};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::{AllowedRoots, Storage};

/// Connections to the embedded queue: results are published one by one.
const QUEUE_CONNECTIONS: u32 = 2;
/// Connections for leases, besides one for each order in work.
const SPARE_CONNECTIONS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to open the database of leases.
pub(crate) async fn login(config: &Config) -> anyhow::Result<PgConnectOptions> {
    Ok(app::connect_options(
        &secret::login(config.connection()?).await?,
    )?)
}

/// The leases, once their schema is known to be the right one.
pub(crate) async fn database(config: &Config, login: PgConnectOptions) -> anyhow::Result<Database> {
    let options = PoolOptions {
        max_connections: SPARE_CONNECTIONS
            .saturating_add(u32::try_from(config.max_concurrent_tasks)?),
        acquire_timeout: CONNECT_TIMEOUT,
        application_name: "geocube-consolidater".to_owned(),
        ..PoolOptions::default()
    };
    let database = Database::connect_with(login, &options)
        .await
        .context("connecting to the database")?;
    database.check_schema().await?;
    Ok(database)
}

/// Files of this machine and of object stores. Where the place of the written ones is known, nothing else is opened, so
/// that no link leads out of it.
pub(crate) async fn storage(
    config: &Config,
    options: &WorkerOptions,
) -> anyhow::Result<Arc<dyn Storage>> {
    let places = [&options.files.target_root, &options.cancelled_jobs];
    let roots = if options.files.target_root.is_none() {
        AllowedRoots::All
    } else {
        let local = places.into_iter().flatten().filter_map(Uri::local_path);
        AllowedRoots::Below(local.map(made).collect::<anyhow::Result<_>>()?)
    };
    let places: Vec<&Uri> = places.into_iter().flatten().collect();
    Ok(app::open_storage(roots, &config.gdal, &places).await?)
}

/// A folder that is missing would allow nothing.
fn made(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// Where results are published; the embedded queue lies in the database of `login` unless it has
/// one of its own.
pub(crate) async fn publisher(
    config: &Config,
    login: PgConnectOptions,
) -> anyhow::Result<Arc<dyn Publisher>> {
    match config.messaging()? {
        Messaging::PubSub { project, .. } => Ok(Arc::new(
            PubSubPublisher::connect(&project, &Broker::from_environment()).await?,
        )),
        Messaging::Embedded { url: Some(url), .. } => {
            let login = database::connect_options(url.expose_secret())?;
            database::reach(&login, CONNECT_TIMEOUT)
                .await
                .context("connecting to the database of the queue (flag pgqConnection)")?;
            Ok(Arc::new(
                PgQueue::connect_with(login, QUEUE_CONNECTIONS).await?,
            ))
        }
        Messaging::Embedded { url: None, .. } => Ok(Arc::new(
            PgQueue::connect_with(login, QUEUE_CONNECTIONS).await?,
        )),
    }
}

/// Settings of the raster library.
pub(crate) fn gdal(config: &Config) -> imaging::Options {
    imaging::Options {
        threads: config.gdal.num_threads_option(),
        ..Default::default()
    }
}
