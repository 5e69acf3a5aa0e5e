//! Wires the API server together and serves it until SIGINT or SIGTERM.

mod wire;

use anyhow::Context;
use app::App;
use geocube_apiserver::background::{self, Orders};
use geocube_apiserver::config::Config;
use rpc::http::{self, Access};
use runtime::config::{Messaging, Tokens};
use runtime::shutdown::{self, CancellationToken, DRAIN_LIMIT};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wire::Queue;

fn main() -> anyhow::Result<()> {
    let config = runtime::start::<Config>();
    config.validate()?;
    geocube_apiserver::not_built_in(&config)?;
    let tokens = config.tokens.load(None)?;
    // before there are threads
    imaging::init(&wire::gdal(&config))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(run(&config, &tokens));
    // pixel work that nobody waits for any more does not hold up the exit
    runtime.shutdown_background();
    served
}

async fn run(config: &Config, tokens: &Tokens) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    tracing::info!("Geocube v{}", env!("CARGO_PKG_VERSION"));
    let start = stop.run_until_cancelled(start(config, tokens, &stop));
    let Some(work) = start.await.transpose()? else {
        return Ok(());
    };
    shutdown::drained(&stop, DRAIN_LIMIT, finished(work, &stop)).await?
}

/// Everything that runs until the stop.
type Work = JoinSet<anyhow::Result<()>>;

async fn start(config: &Config, tokens: &Tokens, stop: &CancellationToken) -> anyhow::Result<Work> {
    let database = wire::database(config).await?;
    let queue = wire::queue(config).await?;
    let options = geocube_apiserver::options(config)?;
    let storage = wire::storage(&options.paths);
    let engine = wire::engine(config);
    let app = App::new(database, storage, queue.publisher.clone(), engine, options);
    let access = access(tokens);
    let router = geocube_apiserver::router(&app, &access, config.bounds.max_message_size).await;
    let listener = TcpListener::bind((config.host, config.port));
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    tracing::info!(address = %listener.local_addr()?, "listening");

    let mut work = background(config, tokens, &app, queue, stop)?;
    let stop = stop.clone();
    work.spawn(async move {
        http::serve(listener, router, stop)
            .await
            .context("serving the port")
    });
    Ok(work)
}

fn access(tokens: &Tokens) -> Access {
    let access = Access::new(tokens);
    if access.is_open() {
        tracing::warn!(
            "no token is configured: the server is open to everybody who reaches its port"
        );
    }
    for surface in access.closed() {
        tracing::warn!(
            surface,
            "closed, as other tokens are configured and none for it"
        );
    }
    access
}

fn background(
    config: &Config,
    tokens: &Tokens,
    app: &App,
    queue: Queue,
    stop: &CancellationToken,
) -> anyhow::Result<Work> {
    let mut work = Work::new();
    let thresholds = config.sweep.thresholds(queue.consumer.is_some());
    let (sweeping, stopping) = (app.clone(), stop.clone());
    work.spawn(async move {
        sweeping.sweep_until(thresholds, stopping).await;
        Ok(())
    });
    let Some(consumer) = queue.consumer else {
        return Ok(work);
    };
    if let (Messaging::Embedded { consolidations, .. }, Some(url)) =
        (config.messaging()?, &config.consolidater_url)
    {
        let orders = Orders {
            queue: consolidations,
            url: url.clone(),
            token: tokens.event.clone(),
            at_once: config.consolidater_tasks,
        };
        let pushing = background::push_orders(&orders, consumer.clone(), stop.clone())?;
        work.spawn(async move { pushing.await.context("pushing orders") });
    }
    let events = background::consume_events(app.clone(), consumer, stop.clone());
    work.spawn(async move { events.await.context("consuming events") });
    Ok(work)
}

/// Waits for the end of all work; the first failure stops the rest.
async fn finished(mut work: Work, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut result = Ok(());
    while let Some(ended) = work.join_next().await {
        let ended = ended.map_err(anyhow::Error::from).flatten();
        if ended.is_err() {
            stop.cancel();
        }
        result = result.and(ended);
    }
    result
}
