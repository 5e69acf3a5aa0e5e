//! Wires the consolidater together and serves it until SIGINT or SIGTERM.

use anyhow::Context;
use app::worker::Worker;
use app::worker::setup::{self, Delivery, Parts, Queue};
use axum::Router;
use geocube_consolidater::config::Config;
use rpc::http::{self, Access, PushVerifier};
use runtime::config::LiveTokens;
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
    setup::options(&config.worker, delivery(config))?;
    // before there are threads
    imaging::init(&setup::raster(&config.worker.gdal))?;
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
    let Some(started) = start.await.transpose()? else {
        return Ok(());
    };
    let (flags, project) = (config.tokens.clone(), config.worker.ps_project.clone());
    tokio::spawn(secret::reload_tokens(
        flags,
        project,
        started.tokens.clone(),
        stop.clone(),
    ));
    tracing::info!(address = %started.listener.local_addr()?, pull = config.pull, "listening");
    let work = async {
        if config.pull {
            pull(started, stop.clone()).await
        } else {
            serve(started, stop.clone()).await
        }
    };
    shutdown::drained(&stop, DRAIN_LIMIT, work).await?
}

fn delivery(config: &Config) -> Delivery {
    if config.pull {
        Delivery::Pulled
    } else {
        Delivery::Pushed
    }
}

struct Started {
    worker: Worker,
    queue: Queue,
    listener: TcpListener,
    tokens: LiveTokens,
    access: Access,
}

async fn start(config: &Config) -> anyhow::Result<Started> {
    if let Some(warning) = setup::unguarded(&config.worker) {
        tracing::warn!("{warning}");
    }
    let tokens = secret::tokens(&config.tokens, config.worker.ps_project.as_deref()).await?;
    let tokens = LiveTokens::new(tokens);
    let parts = Parts::open(&config.worker, delivery(config), env!("CARGO_PKG_NAME")).await?;
    let port = if config.pull {
        config.pull_port
    } else {
        config.port
    };
    let listener = TcpListener::bind((config.host, port));
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}:{port}", config.host))?;
    let queue = parts.queue.clone();
    // the folder is emptied only by the process that owns the port
    let worker = parts.start()?;
    let access = access(config, &tokens)?;
    Ok(Started {
        worker,
        queue,
        listener,
        tokens,
        access,
    })
}

fn access(config: &Config, tokens: &LiveTokens) -> anyhow::Result<Access> {
    let pushers = config.push_auth.audience()?;
    let verifier = pushers.as_ref().map(PushVerifier::new).transpose()?;
    let access = Access::new(tokens.clone()).with_pushers(verifier);
    if pushers.is_some() || config.pull {
        return Ok(access);
    }
    if access.is_open() {
        tracing::warn!(
            "no token is configured: the push route is open to everybody who reaches the port"
        );
    } else if tokens.get().event.is_none() {
        tracing::warn!(
            "the push route is closed, as other tokens are configured and none of events"
        );
    }
    Ok(access)
}

/// Serves until the stop; orders in work then give their leases back, which ends their requests.
async fn serve(started: Started, stop: CancellationToken) -> anyhow::Result<()> {
    let Started {
        worker,
        listener,
        access,
        ..
    } = started;
    let router = http::orders_router(&worker, &access);
    let shut_down = async {
        stop.cancelled().await;
        worker.shut_down().await;
        Ok(())
    };
    let ((), ()) = tokio::try_join!(answer(listener, router, stop.clone()), shut_down)?;
    Ok(())
}

/// Pulls orders until the stop, and answers those who want to know how it goes.
async fn pull(started: Started, stop: CancellationToken) -> anyhow::Result<()> {
    let Started {
        worker,
        queue,
        listener,
        ..
    } = started;
    let consumer = queue.consumer().await?;
    let router = geocube_consolidater::pull_router(&worker);
    // answered until the last order has ended
    let finished = CancellationToken::new();
    let answering = answer(listener, router, finished.clone());
    let pulling = async {
        let pulled = geocube_consolidater::pull(&worker, consumer, queue.lease(), stop).await;
        finished.cancel();
        pulled.context("pulling orders")
    };
    let ((), ()) = tokio::try_join!(answering, pulling)?;
    Ok(())
}

async fn answer(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let served = http::serve(listener, router, stop);
    served.await.context("serving the port")
}
