//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;
use domain::{Scheme, Uri};
use runtime::config::Connection;

/// Refuses flags whose feature is missing.
///
/// # Errors
/// Names the first such flag and what to do without it.
pub fn not_built_in(config: &Config) -> anyhow::Result<()> {
    let uses_secret = matches!(
        config.database.connection(config.project.as_deref()),
        Ok(Connection::Certificates { .. })
    );
    let refusals = [
        (
            config.certificate().is_some(),
            "--tls: this build serves clear text only, let a proxy end TLS (with --local the flag is ignored)",
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
            "--push-audience: the check of OIDC tokens is not built in yet, protect the push routes by the event token",
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
    for (flag, text) in [
        ("--ingestionStorage", &config.ingestion_storage),
        ("--cancelledJobs", &config.cancelled_jobs),
    ] {
        let uri = text
            .as_ref()
            .map(|text| crate::options::uri(flag, text))
            .transpose()?;
        let scheme = uri.as_ref().map_or(Scheme::File, Uri::scheme);
        anyhow::ensure!(
            scheme == Scheme::File,
            "{flag}: stores of scheme {scheme} are not built in yet"
        );
    }
    Ok(())
}
