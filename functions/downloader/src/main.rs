//! Wires the downloader together and serves it until SIGINT or SIGTERM.

use anyhow::Context;
use app::{Downloader, Engine};
use geocube_downloader::config::Config;
use rpc::http::{self, Access, ServeOptions, Tls};
use runtime::config::LiveTokens;
use runtime::secret;
use runtime::shutdown::{self, CancellationToken, DRAIN_LIMIT};
use std::process::ExitCode;
use std::thread::available_parallelism;
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
    let certificate = config.tls.certificate(config.paths.local);
    let tls = certificate
        .map(|(certificate, key)| Tls::load(certificate, key))
        .transpose()?;
    // before there are threads
    imaging::init(&imaging::Options {
        threads: config.gdal.num_threads_option(),
        ..Default::default()
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(run(config, tls));
    // pixel work that nobody waits for any more does not hold up the exit
    runtime.shutdown_background();
    served
}

async fn run(config: &Config, tls: Option<Tls>) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    tracing::info!("Geocube downloader v{}", env!("CARGO_PKG_VERSION"));
    let start = stop.run_until_cancelled(start(config, &stop));
    let Some((listener, router)) = start.await.transpose()? else {
        return Ok(());
    };
    tracing::info!(address = %listener.local_addr()?, tls = tls.is_some(), "listening");
    let options = ServeOptions {
        tls,
        connection_age: Some(config.cubes.connection_age()),
    };
    let served = http::serve_with(listener, router, options, stop.clone());
    let served = shutdown::drained(&stop, DRAIN_LIMIT, served).await?;
    served.context("serving the port")
}

async fn start(
    config: &Config,
    stop: &CancellationToken,
) -> anyhow::Result<(TcpListener, axum::Router)> {
    let tokens = secret::tokens(&config.tokens, config.project.as_deref()).await?;
    let tokens = LiveTokens::new(tokens);
    let options = geocube_downloader::options(config)?;
    let roots = options.paths.local_roots(None);
    let copies = app::copies_folder(&options.workdir).context("who runs this program")?;
    let images = options.paths.image_roots(Some(copies));
    let storage = app::open_storage(roots, images, &config.gdal, &[]).await?;
    let processors = available_parallelism().map_or(1, usize::from);
    let engine = Engine::new(processors.max(options.workers), config.bounds.memory_budget);
    let downloader = Downloader::open(engine, storage, options)?;
    let message_bytes = config.bounds.max_message_size;
    let router = geocube_downloader::router(&downloader, &access(&tokens), message_bytes).await;
    let listener = TcpListener::bind((config.host, config.port));
    let listener = listener
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let (flags, project) = (config.tokens.clone(), config.project.clone());
    tokio::spawn(secret::reload_tokens(flags, project, tokens, stop.clone()));
    Ok((listener, router))
}

fn access(live: &LiveTokens) -> Access {
    let (access, tokens) = (Access::new(live.clone()), live.get());
    if access.is_open() {
        tracing::warn!(
            "no token is configured: the downloader is open to everybody who reaches its port"
        );
    } else if tokens.user.is_none() && tokens.admin.is_none() {
        tracing::warn!(
            "the downloader is closed, as other tokens are configured and none of users or administrators"
        );
    }
    access
}
