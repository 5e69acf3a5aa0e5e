//! Wires the API server together and serves it until SIGINT or SIGTERM.

mod wire;

use anyhow::Context;
use app::App;
use geocube_apiserver::RouterOptions;
use geocube_apiserver::background::{self, Orders};
use geocube_apiserver::config::Config;
use rpc::http::{self, Access, PushVerifier, ServeOptions, Tls};
use runtime::config::{LiveTokens, Messaging, Sweep};
use runtime::shutdown::{self, CancellationToken, DRAIN_LIMIT};
use runtime::{ConfigError, secret};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wire::Queue;

/// Time between two looks at what waits.
const TELL_BACKLOG: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let config = runtime::start::<Config>();
    if config.check {
        return check(&config);
    }
    match serve_until_stopped(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says on stderr what a start would refuse before it touches anything.
fn check(config: &Config) -> ExitCode {
    match understood(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // nothing is left to do when nobody reads
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What the flags mean together, looked at before anything is touched.
fn understood(config: &Config) -> anyhow::Result<()> {
    config.validate()?;
    geocube_apiserver::options(config)?;
    Ok(())
}

fn serve_until_stopped(config: &Config) -> anyhow::Result<()> {
    understood(config)?;
    let tls = tls(config)?;
    // before there are threads
    imaging::init(&wire::gdal(config))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(run(config, tls));
    // pixel work that nobody waits for any more does not hold up the exit
    runtime.shutdown_background();
    served
}

/// The certificate of the port, where the flags ask for TLS.
fn tls(config: &Config) -> Result<Option<Tls>, ConfigError> {
    config
        .tls
        .certificate(config.paths.local)
        .map(|(certificate, key)| Tls::load(certificate, key))
        .transpose()
}

async fn run(config: &Config, tls: Option<Tls>) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    tracing::info!("Geocube v{}", env!("CARGO_PKG_VERSION"));
    let start = stop.run_until_cancelled(start(config, tls, &stop));
    let Some(work) = start.await.transpose()? else {
        return Ok(());
    };
    shutdown::drained(&stop, DRAIN_LIMIT, finished(work, &stop)).await?
}

/// Everything that runs until the stop.
type Work = JoinSet<anyhow::Result<()>>;

async fn start(
    config: &Config,
    tls: Option<Tls>,
    stop: &CancellationToken,
) -> anyhow::Result<Work> {
    let tokens = secret::tokens(&config.tokens, config.project.as_deref()).await?;
    let tokens = LiveTokens::new(tokens);
    let login = wire::login(config).await?;
    let database = wire::database(config, login.clone()).await?;
    let queue = wire::queue(config, login).await?;
    let options = geocube_apiserver::options(config)?;
    let storage = wire::storage(config, &options).await?;
    let engine = wire::engine(config);
    let app = App::new(database, storage, queue.publisher.clone(), engine, options);
    let access = access(config, &tokens)?;
    let router = geocube_apiserver::router(&app, &access, router_options(config, &queue)).await;
    let listener = TcpListener::bind((config.host, config.port));
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "listening");

    let mut work = background(config, &tokens, &app, queue, stop)?;
    let (flags, project) = (config.tokens.clone(), config.project.clone());
    let reloading = secret::reload_tokens(flags, project, tokens, stop.clone());
    work.spawn(async move {
        reloading.await;
        Ok(())
    });
    let (stop, options) = (stop.clone(), serve_options(config, tls));
    work.spawn(async move {
        http::serve_with(listener, router, options, stop)
            .await
            .context("serving the port")
    });
    Ok(work)
}

fn router_options(config: &Config, queue: &Queue) -> RouterOptions {
    RouterOptions {
        max_message_bytes: config.bounds.requests.max_message_size,
        sweep: thresholds(config, queue),
    }
}

fn serve_options(config: &Config, tls: Option<Tls>) -> ServeOptions {
    ServeOptions {
        tls,
        connection_age: Some(config.cubes.connection_age()),
    }
}

fn thresholds(config: &Config, queue: &Queue) -> Sweep {
    config.sweep.thresholds(queue.consumer.is_some())
}

fn access(config: &Config, tokens: &LiveTokens) -> anyhow::Result<Access> {
    let pushers = config.push_auth.audience()?;
    let verifier = pushers.as_ref().map(PushVerifier::new).transpose()?;
    let access = Access::new(tokens.clone()).with_pushers(verifier);
    if access.is_open() {
        tracing::warn!(
            pushes_need_oidc = pushers.is_some(),
            "no token is configured: the server is open to everybody who reaches its port"
        );
    }
    for surface in access.closed() {
        tracing::warn!(
            surface,
            "closed, as other tokens are configured and none for it"
        );
    }
    Ok(access)
}

fn background(
    config: &Config,
    tokens: &LiveTokens,
    app: &App,
    queue: Queue,
    stop: &CancellationToken,
) -> anyhow::Result<Work> {
    let mut work = Work::new();
    let thresholds = thresholds(config, &queue);
    let (sweeping, stopping) = (app.clone(), stop.clone());
    work.spawn(async move {
        sweeping.sweep_until(thresholds, stopping).await;
        Ok(())
    });
    let (telling, stopping, consumer) = (app.clone(), stop.clone(), queue.consumer.clone());
    work.spawn(async move {
        let told = telling.tell_backlog(consumer, TELL_BACKLOG, stopping);
        told.await;
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
            tokens: tokens.clone(),
            at_once: config.consolidater_tasks,
        };
        let pushing = background::push_orders(&orders, consumer.clone(), stop.clone())?;
        work.spawn(async move { pushing.await.context("pushing orders") });
    }
    for queue in [&app.options().events_queue, &app.options().orders_queue] {
        let dead_letters = background::consume_dead_letters(
            app.clone(),
            queue.clone(),
            consumer.clone(),
            stop.clone(),
        );
        work.spawn(async move { dead_letters.await.context("consuming messages given up") });
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
