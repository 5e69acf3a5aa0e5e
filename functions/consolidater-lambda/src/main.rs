//! Wires the function together and answers the events of AWS Lambda.

use app::worker::setup::{self, Delivery, Parts};
use geocube_consolidater_lambda::Function;
use geocube_consolidater_lambda::config::Config;
use lambda_http::lambda_runtime::LambdaEvent;
use lambda_http::{lambda_runtime, service_fn};
use rpc::http::{Access, PushVerifier};
use runtime::config::LiveTokens;
use runtime::secret;
use runtime::shutdown::CancellationToken;
use serde_json::Value;
use std::process::ExitCode;

fn main() -> ExitCode {
    match answer_for_ever(&runtime::start::<Config>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn answer_for_ever(config: &Config) -> anyhow::Result<()> {
    config.validate()?;
    setup::options(&config.worker, Delivery::Pushed)?;
    // before there are threads
    imaging::init(&setup::raster(&config.worker.gdal))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(config))
}

async fn run(config: &Config) -> anyhow::Result<()> {
    tracing::info!("Geocube consolidater v{}", env!("CARGO_PKG_VERSION"));
    if let Some(warning) = setup::unguarded(&config.worker) {
        tracing::warn!("{warning}");
    }
    let project = config.worker.ps_project.as_deref();
    let tokens = LiveTokens::new(secret::tokens(&config.tokens, project).await?);
    let pushers = config.push_auth.audience()?;
    let verifier = pushers.as_ref().map(PushVerifier::new).transpose()?;
    let access = Access::new(tokens.clone()).with_pushers(verifier);
    // while the function is awake; it is ended without a sign
    tokio::spawn(secret::reload_tokens(
        config.tokens.clone(),
        project.map(str::to_owned),
        tokens,
        CancellationToken::new(),
    ));
    let parts = Parts::open(&config.worker, Delivery::Pushed, env!("CARGO_PKG_NAME")).await?;
    let function = Function::new(parts.start()?, access);
    let answer = service_fn(move |event: LambdaEvent<Value>| {
        let function = function.clone();
        async move { function.answer(event).await.map_err(reported) }
    });
    lambda_runtime::run(answer)
        .await
        .map_err(|error| anyhow::anyhow!(error))
}

/// For the one who invoked, and for the log.
fn reported(error: anyhow::Error) -> lambda_runtime::Error {
    tracing::warn!("event is to come again: {error:#}");
    error.into()
}
