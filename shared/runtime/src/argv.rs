//! The command line: Go's syntax brought into clap's, with the environment behind it.

mod exit;
mod grammar;
mod normalise;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::Parser;

use crate::Environment;
use normalise::Normalised;

pub use exit::Exit;

/// A command line that was understood.
#[derive(Debug)]
pub struct Parsed<C> {
    /// The values of the flags.
    pub flags: C,
    /// Deprecated names that were used; to be logged once logs are set up.
    pub warnings: Vec<String>,
}

/// Parses `args`, of which the first is the program's name.
///
/// - One or two dashes, `-name=value` or `-name value`; a value of its own may begin with a dash. Names are matched exactly.
/// - A `bool` field is true when its flag is bare and takes a value with `=` only.
/// - The last of repeated flags wins. An empty text is the same as no flag.
/// - A stray argument is an error, unless the command has positional arguments. When such an argument allows hyphens, it
///   also takes the flags that the command does not know.
/// - A flag that is absent is looked up in `environment` as `GEOCUBE_<UPPER_SNAKE>`; `port` then as `PORT`.
/// - Hidden aliases are deprecated names, hidden arguments come from the environment alone.
///
/// # Errors
/// [`Exit`] with code 2 for what cannot be understood, with code 0 when help or the version was asked for.
pub fn parse<C: Parser>(
    args: impl IntoIterator<Item = impl Into<OsString>>,
    environment: &Environment,
) -> Result<Parsed<C>, Exit> {
    let mut command = grammar::with_go_booleans(C::command());
    command.build();
    let normalised = Normalised::read(&command, args)?;
    let Normalised {
        argv,
        warnings,
        from_environment,
    } = normalised.completed(&command, environment);
    command
        .try_get_matches_from_mut(argv)
        .and_then(|matches| C::from_arg_matches(&matches))
        .map(|flags| Parsed { flags, warnings })
        .map_err(|error| Exit::of_clap(&error, &from_environment, command.render_usage()))
}
