//! What a clap command says about its flags.

use std::any::TypeId;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command};
use secrecy::SecretString;

use crate::value::{self, List};

/// Lets every `bool` flag of the command and its subcommands take a value after `=`.
pub(super) fn with_go_booleans(command: Command) -> Command {
    command
        .mut_args(go_boolean)
        .mut_subcommands(with_go_booleans)
}

fn go_boolean(arg: Arg) -> Arg {
    if !matches!(arg.get_action(), ArgAction::SetTrue) {
        return arg;
    }
    let has_default = !arg.get_default_values().is_empty();
    let arg = arg
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_name("BOOL")
        .value_parser(value::boolean);
    if has_default {
        arg
    } else {
        arg.default_value("false")
    }
}

/// A flag as it was named.
pub(super) struct Found<'c> {
    pub arg: &'c Arg,
    pub deprecated_name: bool,
}

/// The flag of that name, without dashes. Hidden ones have no name on the command line.
pub(super) fn find<'c>(command: &'c Command, name: &str) -> Option<Found<'c>> {
    let visible = command.get_arguments().filter(|arg| !arg.is_hide_set());
    for arg in visible {
        let short = arg.get_short().map(String::from);
        let aliases = arg.get_visible_aliases().unwrap_or_default();
        let is_named = arg.get_long() == Some(name) || short.as_deref() == Some(name);
        if is_named || aliases.contains(&name) {
            return Some(Found {
                arg,
                deprecated_name: false,
            });
        }
        if deprecated_names(arg).any(|alias| alias == name) {
            return Some(Found {
                arg,
                deprecated_name: true,
            });
        }
    }
    None
}

/// The hidden aliases.
pub(super) fn deprecated_names(arg: &Arg) -> impl Iterator<Item = String> {
    let visible = arg.get_visible_aliases().unwrap_or_default();
    let all = arg.get_all_aliases().unwrap_or_default();
    all.into_iter()
        .filter(move |alias| !visible.contains(alias))
        .map(str::to_owned)
}

/// Whether the next argument is the value of this flag when none follows after `=`.
pub(super) fn takes_next_argument(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

/// Whether an empty value means that the flag is not given: so for texts without a default.
pub(super) fn empty_is_absent(arg: &Arg) -> bool {
    let value_type = arg.get_value_parser().type_id();
    let text_types = [
        TypeId::of::<String>(),
        TypeId::of::<SecretString>(),
        TypeId::of::<PathBuf>(),
        TypeId::of::<List>(),
    ];
    arg.get_default_values().is_empty() && text_types.iter().any(|text| value_type == *text)
}

/// What the command does with arguments that are no flags of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Positionals {
    /// They are errors.
    None,
    /// It takes those without dash.
    Values,
    /// It takes flags it does not know as well, to pass them on.
    Anything,
}

pub(super) fn positionals(command: &Command) -> Positionals {
    let mut positionals = command.get_positionals().peekable();
    if positionals.peek().is_none() {
        Positionals::None
    } else if positionals.any(Arg::is_allow_hyphen_values_set) {
        Positionals::Anything
    } else {
        Positionals::Values
    }
}
