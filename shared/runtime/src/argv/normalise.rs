//! Rewrites a command line of Go's syntax to one that clap reads in one way only: `--name=value`.

use std::ffi::OsString;

use clap::{Arg, Command};

use super::Exit;
use super::grammar::{self, Found, Positionals};
use crate::Environment;
use crate::environment::variable_of;

/// A command line in clap's syntax.
pub(super) struct Normalised {
    pub argv: Vec<String>,
    pub warnings: Vec<String>,
    /// Flags (with dashes) set by a variable, and that variable.
    pub from_environment: Vec<(String, String)>,
}

/// The arguments as read, one level for the program and one for each subcommand.
pub(super) struct Read {
    levels: Vec<Level>,
    positionals: Vec<String>,
    warnings: Vec<String>,
    /// The first flag that no command knows; clap words the refusal.
    unknown: Option<String>,
}

struct Level {
    name: String,
    /// Long name and value; flags such as help have none.
    flags: Vec<(String, Option<String>)>,
}

impl Normalised {
    pub fn read(
        command: &Command,
        args: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Read, Exit> {
        let mut args = args.into_iter().map(|arg| to_text(command, arg.into()));
        let program = args
            .next()
            .transpose()?
            .unwrap_or_else(|| command.get_name().to_owned());
        let mut read = Read {
            levels: vec![Level {
                name: program,
                flags: Vec::new(),
            }],
            positionals: Vec::new(),
            warnings: Vec::new(),
            unknown: None,
        };
        let mut command = command;
        let mut only_positionals = false;
        while let Some(arg) = args.next().transpose()? {
            if !only_positionals && arg == "--" {
                only_positionals = true;
            } else if only_positionals || !arg.starts_with('-') || arg == "-" {
                let subcommand = command.find_subcommand(&arg).filter(|_| !only_positionals);
                if let Some(subcommand) = subcommand {
                    command = subcommand;
                    read.levels.push(Level {
                        name: arg,
                        flags: Vec::new(),
                    });
                } else if grammar::positionals(command) == Positionals::None {
                    return Err(refused(command, &stray(command, &arg)));
                } else {
                    read.positionals.push(arg);
                }
            } else {
                let (name, value) = split_flag(command, &arg)?;
                match grammar::find(command, name) {
                    Some(found) => {
                        let value = match value {
                            None if grammar::takes_next_argument(found.arg) => {
                                Some(args.next().transpose()?.ok_or_else(|| {
                                    refused(command, &format!("flag needs a value: '{arg}'"))
                                })?)
                            }
                            value => value.map(str::to_owned),
                        };
                        read.accept(&found, name, value);
                    }
                    None if grammar::positionals(command) == Positionals::Anything => {
                        read.positionals.push(arg);
                    }
                    None => {
                        read.unknown = Some(format!("--{name}"));
                        break;
                    }
                }
            }
        }
        Ok(read)
    }
}

impl Read {
    fn accept(&mut self, found: &Found<'_>, name: &str, value: Option<String>) {
        let Some((long, level)) = found.arg.get_long().zip(self.levels.last_mut()) else {
            return;
        };
        if found.deprecated_name {
            self.warnings
                .push(format!("-{name} is deprecated, use -{long}"));
        }
        level.flags.retain(|(earlier, _)| earlier != long);
        level.flags.push((long.to_owned(), value));
    }

    /// Fills in what the environment says and writes everything in clap's syntax.
    pub fn completed(self, command: &Command, environment: &Environment) -> Normalised {
        let mut normalised = Normalised {
            argv: Vec::new(),
            warnings: self.warnings,
            from_environment: Vec::new(),
        };
        if let Some(unknown) = self.unknown {
            normalised.argv = self
                .levels
                .into_iter()
                .map(|level| level.name)
                .chain([unknown])
                .collect();
            return normalised;
        }
        let mut command = command;
        for (depth, level) in self.levels.into_iter().enumerate() {
            if depth > 0 {
                command = command.find_subcommand(&level.name).unwrap_or(command);
            }
            normalised.argv.push(level.name);
            for arg in command.get_arguments() {
                let given = level
                    .flags
                    .iter()
                    .find(|(long, _)| Some(long.as_str()) == arg.get_long());
                match given {
                    Some((long, value)) => normalised.push(arg, long, value.as_deref()),
                    None => normalised.look_up(arg, environment),
                }
            }
        }
        if !self.positionals.is_empty() {
            normalised.argv.push("--".to_owned());
            normalised.argv.extend(self.positionals);
        }
        normalised
    }
}

impl Normalised {
    fn push(&mut self, arg: &Arg, long: &str, value: Option<&str>) {
        match value {
            Some("") if grammar::empty_is_absent(arg) => {}
            Some(value) => self.argv.push(format!("--{long}={value}")),
            None => self.argv.push(format!("--{long}")),
        }
    }

    fn look_up(&mut self, arg: &Arg, environment: &Environment) {
        let Some(long) = arg.get_long().filter(|_| arg.get_action().takes_values()) else {
            return;
        };
        let mut variables = vec![variable_of(long)];
        variables.extend(grammar::deprecated_names(arg).map(|name| variable_of(&name)));
        if long == "port" {
            variables.push("PORT".to_owned());
        }
        let set = variables
            .iter()
            .enumerate()
            .find_map(|(i, name)| Some((i, name, environment.get(name)?)));
        let Some((index, variable, value)) = set else {
            return;
        };
        if index > 0 && variable != "PORT" {
            self.warnings
                .push(format!("{variable} is deprecated, use {}", variables[0]));
        }
        self.from_environment
            .push((format!("--{long}"), variable.clone()));
        self.push(arg, long, Some(value));
    }
}

/// The name without its one or two dashes, and the value after `=`.
fn split_flag<'a>(command: &Command, arg: &'a str) -> Result<(&'a str, Option<&'a str>), Exit> {
    let text = arg
        .strip_prefix("--")
        .or_else(|| arg.strip_prefix('-'))
        .unwrap_or(arg);
    if text.is_empty() || text.starts_with(['-', '=']) {
        return Err(refused(command, &format!("bad flag syntax: '{arg}'")));
    }
    Ok(match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    })
}

fn to_text(command: &Command, arg: OsString) -> Result<String, Exit> {
    arg.into_string().map_err(|arg| {
        refused(
            command,
            &format!("argument '{}' is not UTF-8", arg.to_string_lossy()),
        )
    })
}

/// What to say of a word that no flag takes.
fn stray(command: &Command, arg: &str) -> String {
    let names: Vec<&str> = command
        .get_subcommands()
        .map(Command::get_name)
        .filter(|name| *name != "help")
        .collect();
    if names.is_empty() {
        return format!("unexpected argument '{arg}'");
    }
    format!("no command '{arg}': there are {}", names.join(", "))
}

fn refused(command: &Command, message: &str) -> Exit {
    Exit::usage(message, command.clone().render_usage())
}
