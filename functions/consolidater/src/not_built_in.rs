//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;
use crate::options;
use domain::Scheme;

/// Refuses flags whose feature is missing.
///
/// # Errors
/// Names the first such flag and what to do without it.
pub fn not_built_in(config: &Config) -> anyhow::Result<()> {
    let refusals = [
        (
            config.pull,
            "--pull: pulling orders is not built in yet, let the queue push them to POST /push",
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
    let places = [
        ("--cancelledJobs", Some(options::cancelled_jobs(config)?)),
        ("--ingestionStorage", options::ingestion_storage(config)?),
    ];
    for (flag, place) in places {
        let scheme = place.map_or(Scheme::File, |place| place.scheme());
        anyhow::ensure!(
            scheme == Scheme::File,
            "{flag}: stores of scheme {scheme} are not built in yet"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::not_built_in;
    use crate::config::Config;

    fn start(args: &[&str]) -> String {
        let all = [
            "geocube-consolidater",
            "--workdir=/work",
            "--cancelledJobs=/cancelled",
            "--dbConnection=postgresql://u:p@localhost/geocube",
        ];
        let parsed =
            runtime::parse::<Config>(all.iter().chain(args), &runtime::Environment::default());
        not_built_in(&parsed.unwrap().flags)
            .map_or_else(|error| error.to_string(), |()| "ok".to_owned())
    }

    #[test]
    fn what_this_build_cannot_do_fails_the_start() {
        for (args, text) in [
            (&[][..], "ok"),
            (&["--pull"], "--pull: "),
            (&["--baSecretName=s", "--psProject=p"], "ok"),
            (
                &["--push-audience=a", "--push-service-accounts=b@c"],
                "--push-audience: ",
            ),
            (&["--with-gcs"], "--with-gcs: "),
            (&["--with-s3"], "--with-s3: "),
            (
                &["--cancelledJobs=gs://b/c"],
                "--cancelledJobs: stores of scheme gs",
            ),
            (&["--cancelledJobs=c"], "invalid --cancelledJobs"),
            (&["--ingestionStorage=/data"], "ok"),
            (
                &["--ingestionStorage=s3://b/c"],
                "--ingestionStorage: stores of scheme s3",
            ),
        ] {
            assert!(start(args).starts_with(text), "{args:?}: {}", start(args));
        }
    }
}
