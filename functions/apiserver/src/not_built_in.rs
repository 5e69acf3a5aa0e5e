//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;

/// Refuses flags whose feature is missing.
///
/// # Errors
/// Names the first such flag and what to do without it.
pub fn not_built_in(config: &Config) -> anyhow::Result<()> {
    let refusals = [(
        config.push_auth.push_audience.is_some(),
        "--push-audience: the check of OIDC tokens is not built in yet, protect the push routes by the event token",
    )];
    if let Some((_, text)) = refusals.into_iter().find(|(refused, _)| *refused) {
        anyhow::bail!(text);
    }
    for (flag, text) in [
        ("--ingestionStorage", &config.ingestion_storage),
        ("--cancelledJobs", &config.cancelled_jobs),
    ] {
        if let Some(text) = text {
            crate::options::uri(flag, text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::not_built_in;
    use crate::config::Config;

    fn start(args: &[&str]) -> String {
        let all = [
            "geocube-apiserver",
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
            (&["--tls", "--baSecretName=s", "--project=p"], "ok"),
            (
                &["--ingestionStorage=/data", "--cancelledJobs=/cancelled"],
                "ok",
            ),
            (
                &["--push-audience=a", "--push-service-accounts=b@c"],
                "--push-audience: ",
            ),
            (&["--with-gcs", "--with-s3"], "ok"),
            (
                &["--ingestionStorage=gs://b/d", "--cancelledJobs=s3://b/c"],
                "ok",
            ),
            (
                &["--ingestionStorage=http://b/d"],
                "invalid --ingestionStorage",
            ),
            (&["--ingestionStorage=d"], "invalid --ingestionStorage"),
        ] {
            assert!(start(args).starts_with(text), "{args:?}: {}", start(args));
        }
    }
}
