//! How a program ends when its command line asks for no work.

use std::fmt;

use clap::error::{ContextKind, ErrorKind};

/// What to print before the program ends, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    code: i32,
    message: String,
}

impl Exit {
    /// An error of usage: `message` and `usage` with exit code 2.
    pub(super) fn usage(message: &str, usage: impl fmt::Display) -> Self {
        Self {
            code: 2,
            message: format!(
                "error: {message}\n\n{usage}\n\nFor more information, try '--help'.\n"
            ),
        }
    }

    /// What clap answers, with `usage` where clap leaves it out; `from_environment` lists the flags whose value came from
    /// a variable, with that variable.
    pub(super) fn of_clap(
        error: &clap::Error,
        from_environment: &[(String, String)],
        usage: impl fmt::Display,
    ) -> Self {
        let mut message = error.render().to_string();
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        ) {
            return Self { code: 0, message };
        }
        let argument = error
            .get(ContextKind::InvalidArg)
            .map(ToString::to_string)
            .unwrap_or_default();
        let named = |flag: &str| {
            argument
                .split([' ', '=', '['])
                .next()
                .is_some_and(|name| name == flag)
        };
        if let Some((_, variable)) = from_environment.iter().find(|(flag, _)| named(flag)) {
            message =
                format!("{message}\nThe value comes from the environment variable {variable}.\n");
        }
        if !message.contains("Usage: ") {
            message = format!("{message}\n{usage}\n");
        }
        Self { code: 2, message }
    }

    /// 0 for help and version, 2 for an error of usage.
    pub fn code(&self) -> i32 {
        self.code
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Exit {}
