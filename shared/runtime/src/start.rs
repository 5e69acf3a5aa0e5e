//! The first lines of a binary's `main`.

use std::io::Write;

use clap::Parser;

use crate::{Environment, Parsed, parse, telemetry};

/// Parses the command line and environment of this process; ends the process when they ask for no work.
pub fn parse_or_exit<C: Parser>() -> Parsed<C> {
    parse(std::env::args_os(), &Environment::of_process()).unwrap_or_else(|exit| {
        let text = exit.to_string();
        // Nothing is left to do when the terminal is gone.
        let _ = match exit.code() {
            0 => std::io::stdout().write_all(text.as_bytes()),
            _ => std::io::stderr().write_all(text.as_bytes()),
        };
        std::process::exit(exit.code())
    })
}

/// As [`parse_or_exit`], then sets up logs and reports deprecated flags there.
pub fn start<C: Parser>() -> C {
    let parsed = parse_or_exit::<C>();
    telemetry::init(&Environment::of_process());
    for warning in &parsed.warnings {
        tracing::warn!("{warning}");
    }
    parsed.flags
}
