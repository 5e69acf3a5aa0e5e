//! `geocube pubsub-setup`.

use clap::Args;
use messaging::pubsub::{Connection, SetupOptions, setup};

use crate::screen;

/// Where the emulator listens unless `PUBSUB_EMULATOR_HOST` says otherwise.
const DEFAULT_EMULATOR: &str = "localhost:8085";

/// Flags of `geocube pubsub-setup`.
#[derive(Clone, Debug, Args)]
pub struct Flags {
    /// Google Cloud project
    #[arg(long, visible_alias = "project-id", default_value = "geocube-emulator")]
    pub project: String,
    /// URL of the API server; events are pushed to its /push
    #[arg(
        long = "geocube-server",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub geocube_server: String,
    /// URL of the consolidater, to whose /push orders are pushed [default: orders wait to be pulled]
    #[arg(long = "consolidater-server", value_name = "URL")]
    pub consolidater_server: Option<String>,
    /// Topic and subscription of events
    #[arg(long = "eventsQueue", default_value = "events", value_name = "NAME")]
    pub events_queue: String,
    /// Topic and subscription of consolidation orders
    #[arg(
        long = "consolidationsQueue",
        default_value = "consolidations",
        value_name = "NAME"
    )]
    pub consolidations_queue: String,
    /// Service account whose identity the pushes carry
    #[arg(long = "push-service-account", value_name = "EMAIL")]
    pub push_service_account: Option<String>,
    /// Audience of that identity [default: the URL pushed to]
    #[arg(long = "push-audience", value_name = "AUDIENCE")]
    pub push_audience: Option<String>,
    /// Without `PUBSUB_EMULATOR_HOST`: the real service instead of an emulator at localhost:8085
    #[arg(long)]
    pub real: bool,
}

/// Creates what is missing and changes what differs, one line per step.
///
/// # Errors
/// The first step that failed.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    let connection = connection(Connection::from_environment(), flags.real);
    let options = SetupOptions {
        project: flags.project,
        server: flags.geocube_server,
        consolidater: flags.consolidater_server,
        events: flags.events_queue,
        consolidations: flags.consolidations_queue,
        push_service_account: flags.push_service_account,
        push_audience: flags.push_audience,
    };
    setup(&connection, &options, screen::note).await?;
    Ok(())
}

/// The service is touched only when asked for by name.
fn connection(environment: Connection, real: bool) -> Connection {
    match environment {
        Connection::Service if !real => Connection::Emulator(DEFAULT_EMULATOR.to_owned()),
        Connection::Service | Connection::Emulator(_) => environment,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use runtime::Environment;

    #[derive(Clone, Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        flags: Flags,
    }

    #[test]
    fn wp38_the_project_has_the_name_of_the_guides_too() {
        for (arguments, project) in [
            (&[][..], "geocube-emulator"),
            (&["--project", "p"], "p"),
            (&["--project-id", "p"], "p"),
            (&["-project-id=p"], "p"),
        ] {
            let arguments = ["pubsub-setup"].iter().chain(arguments);
            let parsed = runtime::parse::<Cli>(arguments, &Environment::default());
            assert_eq!(parsed.unwrap().flags.flags.project, project);
        }
    }

    #[test]
    fn the_service_is_used_only_on_demand() {
        let emulator = || Connection::Emulator("somewhere:1".to_owned());
        assert_eq!(connection(emulator(), true), emulator());
        assert_eq!(connection(emulator(), false), emulator());
        assert_eq!(connection(Connection::Service, true), Connection::Service);
        assert_eq!(
            connection(Connection::Service, false),
            Connection::Emulator("localhost:8085".to_owned())
        );
    }
}
