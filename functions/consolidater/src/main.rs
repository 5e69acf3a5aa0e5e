//! Wires the consolidater together and serves it until SIGINT or SIGTERM.

mod wire;

use anyhow::Context;
use app::worker::Worker;
use axum::Router;
use geocube_consolidater::config::Config;
use rpc::http::{self, Access};
use runtime::config::Tokens;
use runtime::secret;
use runtime::shutdown::{self, CancellationToken, DRAIN_LIMIT};
use std::process::ExitCode;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    match serve_until_stopped(&runtime::start::<Config>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve_until_stopped(config: &Config) -> anyhow::Result<()> {
    config.validate()?;
    geocube_consolidater::not_built_in(config)?;
    // before there are threads
    imaging::init(&wire::gdal(config))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(run(config));
    // raster work whose lease is given back does not hold up the exit
    runtime.shutdown_background();
    served
}

async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    tracing::info!("Geocube consolidater v{}", env!("CARGO_PKG_VERSION"));
    let start = stop.run_until_cancelled(start(config));
    let Some((worker, listener, access)) = start.await.transpose()? else {
        return Ok(());
    };
    tracing::info!(address = %listener.local_addr()?, "listening");
    let router = geocube_consolidater::router(&worker, &access);
    let work = serve(worker, listener, router, stop.clone());
    shutdown::drained(&stop, DRAIN_LIMIT, work).await?
}

async fn start(config: &Config) -> anyhow::Result<(Worker, TcpListener, Access)> {
    if let Some(warning) = geocube_consolidater::unguarded(config) {
        tracing::warn!("{warning}");
    }
    let tokens = secret::tokens(&config.tokens, config.ps_project.as_deref()).await?;
    let login = wire::login(config).await?;
    let database = wire::database(config, login.clone()).await?;
    let publisher = wire::publisher(config, login).await?;
    let listener = TcpListener::bind((config.host, config.port));
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    // the folder is emptied only by the process that owns the port
    let options = geocube_consolidater::options(config)?;
    let storage = wire::storage(config, &options).await?;
    let worker = Worker::start(database, storage, publisher, options)?;
    Ok((worker, listener, access(&tokens)))
}

fn access(tokens: &Tokens) -> Access {
    let access = Access::new(tokens);
    if access.is_open() {
        tracing::warn!(
            "no token is configured: the push route is open to everybody who reaches the port"
        );
    } else if tokens.event.is_none() {
        tracing::warn!(
            "the push route is closed, as other tokens are configured and none of events"
        );
    }
    access
}

/// Serves until the stop; orders in work then give their leases back, which ends their requests.
async fn serve(
    worker: Worker,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let shut_down = async {
        stop.cancelled().await;
        worker.shut_down().await;
        Ok(())
    };
    let ((), ()) = tokio::try_join!(http::serve(listener, router, stop.clone()), shut_down)
        .context("serving the port")?;
    Ok(())
}
