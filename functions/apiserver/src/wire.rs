//! The concrete parts behind the service.

mod queue;

use anyhow::Context;
use app::{Engine, Options};
use database::{Database, PgConnectOptions, PoolOptions, migrate};
use domain::Uri;
use geocube_apiserver::config::Config;
pub(crate) use queue::{Queue, queue};
use runtime::secret;
use std::sync::Arc;
use std::thread::available_parallelism;
use storage::Storage;

/// How to open the catalogue.
pub(crate) async fn login(config: &Config) -> anyhow::Result<PgConnectOptions> {
    let connection = config.database.connection(config.project.as_deref())?;
    Ok(app::connect_options(&secret::login(connection).await?)?)
}

/// The catalogue, once its schema is known to be the right one.
pub(crate) async fn database(config: &Config, login: PgConnectOptions) -> anyhow::Result<Database> {
    let options = PoolOptions {
        max_connections: config.connections()?.catalogue,
        acquire_timeout: config.bounds.db_acquire_timeout,
        statement_timeout: config.bounds.statement_timeout,
        application_name: "geocube-apiserver".to_owned(),
    };
    let database = Database::connect_with(login, &options)
        .await
        .context("connecting to the database")?;
    database.check_schema().await?;
    tell_stale_locks(&database).await?;
    Ok(database)
}

/// Tells of the datasets that jobs which are over still hold, as a crash of a former release may leave them: no job ever
/// releases them.
async fn tell_stale_locks(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.read().await?;
    for lock in migrate::stale_locks(&mut connection).await? {
        tracing::warn!(
            job.id = %lock.job,
            job.name = lock.name,
            job.state = lock.state,
            datasets = lock.datasets,
            "a job that is over still holds datasets (geocube migrate --repair)"
        );
    }
    Ok(())
}

/// Files of this machine, as far as callers and consolidation may name them, and of object stores.
pub(crate) async fn storage(
    config: &Config,
    options: &Options,
) -> anyhow::Result<Arc<dyn Storage>> {
    let written = options.cancelled_jobs.as_ref();
    let roots = options.paths.local_roots(written);
    let places = [&options.ingestion_storage, &options.cancelled_jobs];
    let managed = options.paths.managed.iter();
    let places: Vec<&Uri> = places.into_iter().flatten().chain(managed).collect();
    let images = options.paths.image_roots(None);
    Ok(app::open_storage(roots, images, &config.gdal, &places).await?)
}

/// Threads and memory for pixels.
pub(crate) fn engine(config: &Config) -> Engine {
    let processors = available_parallelism().map_or(1, usize::from);
    Engine::new(
        processors.max(config.cubes.parallel_slices()),
        config.bounds.requests.memory_budget,
    )
}

/// Settings of the raster library.
pub(crate) fn gdal(config: &Config) -> imaging::Options {
    imaging::Options {
        threads: config.gdal.num_threads_option(),
        ..Default::default()
    }
}
