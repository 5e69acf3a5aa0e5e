//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;
use crate::options;

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
    ];
    if let Some((_, text)) = refusals.into_iter().find(|(refused, _)| *refused) {
        anyhow::bail!(text);
    }
    options::cancelled_jobs(config)?;
    options::ingestion_storage(config)?;
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
            (&["--with-gcs", "--with-s3"], "ok"),
            (&["--cancelledJobs=gs://b/c"], "ok"),
            (&["--cancelledJobs=c"], "invalid --cancelledJobs"),
            (&["--ingestionStorage=/data"], "ok"),
            (&["--ingestionStorage=s3://b/c"], "ok"),
        ] {
            assert!(start(args).starts_with(text), "{args:?}: {}", start(args));
        }
    }
}
