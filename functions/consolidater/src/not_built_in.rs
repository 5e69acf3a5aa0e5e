//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;
use domain::Scheme;
use runtime::config::Connection;

/// Refuses flags whose feature is missing.
///
/// # Errors
/// Names the first such flag and what to do without it.
pub fn not_built_in(config: &Config) -> anyhow::Result<()> {
    let uses_secret = matches!(config.connection(), Ok(Connection::Certificates { .. }));
    let refusals = [
        (
            config.pull,
            "--pull: pulling orders is not built in yet, let the queue push them to POST /push",
        ),
        (
            config.tokens.ba_secret_name.is_some(),
            "--baSecretName: Secret Manager is not built in yet, give the tokens by --tokensFile or by the environment",
        ),
        (
            uses_secret,
            "--dbSecretName: Secret Manager is not built in yet, give --dbPassword or --dbConnection",
        ),
        (
            config.push_auth.push_audience.is_some(),
            "--push-audience: the check of OIDC tokens is not built in yet, protect the push route by the event token",
        ),
        (
            config.gdal.with_gcs,
            "--with-gcs: Google Cloud Storage is not built in yet",
        ),
        (config.gdal.with_s3, "--with-s3: S3 is not built in yet"),
    ];
    if let Some((_, text)) = refusals.into_iter().find(|(refused, _)| *refused) {
        anyhow::bail!(text);
    }
    let scheme = crate::options::cancelled_jobs(config)?.scheme();
    anyhow::ensure!(
        scheme == Scheme::File,
        "--cancelledJobs: stores of scheme {scheme} are not built in yet"
    );
    Ok(())
}
