//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use runtime::{Environment, telemetry};

use crate::{demo, inspect, migrate, pubsub_setup, screen, up};

/// Geocube on one machine: start it, prepare what it needs, see what it does.
#[derive(Debug, Parser)]
#[command(name = "geocube", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the whole system on loopback and keeps it running until SIGINT or SIGTERM.
    Up(up::Flags),
    /// Brings a database to the schema of this program.
    Migrate(migrate::Flags),
    /// Creates the topics and subscriptions of Pub/Sub.
    PubsubSetup(pubsub_setup::Flags),
    /// Runs the main job as a client and says what it does.
    Demo(demo::Flags),
    /// Says how a COG or `MuCOG` is made, and what reading a time series of it takes.
    Inspect(inspect::Flags),
}

/// Does what the command line asks for. Exit code 0 when done, 1 when it failed, 2 when it was not understood.
pub fn main() -> ExitCode {
    let parsed = runtime::parse_or_exit::<Cli>();
    let environment = Environment::of_process();
    // people read this on a terminal: without a wish there is no chatter
    if environment.get("LOGLEVEL").is_some() {
        telemetry::init(&environment);
    } else {
        telemetry::init(&Environment::from_iter([("LOGLEVEL", "error")]));
    }
    for warning in &parsed.warnings {
        screen::note(warning);
    }
    match run(parsed.flags.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in format!("error: {error:#}").lines() {
                screen::note(&screen::harmless(line));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    // the HTTP client asks for a provider even where it speaks in clear; another one in place is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Command::Demo(_) = command {
        // before there are threads
        imaging::init(&imaging::Options::default())?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        match command {
            Command::Up(flags) => up::run(flags).await,
            Command::Migrate(flags) => migrate::run(&flags).await,
            Command::PubsubSetup(flags) => pubsub_setup::run(flags).await,
            Command::Demo(flags) => demo::run(flags).await,
            Command::Inspect(flags) => inspect::run(&flags).await,
        }
    });
    // what still blocks (a look-up of names, say) is not worth waiting for
    runtime.shutdown_background();
    result
}
