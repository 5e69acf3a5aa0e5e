//! The bearer tokens of the service.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::ConfigError;

/// Flags of the tokens. The tokens themselves are never on a command line, where all users of the machine could read them.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct TokenFlags {
    /// File with the tokens, a JSON object with keys user, admin and event
    #[arg(long, value_name = "FILE")]
    pub tokens_file: Option<PathBuf>,
    /// Name of the secret with the tokens, in the same form
    #[arg(long, value_name = "NAME")]
    pub ba_secret_name: Option<String>,
    /// Token of users (environment only)
    #[arg(long, hide = true)]
    pub token_user: Option<SecretString>,
    /// Token of administrators (environment only)
    #[arg(long, hide = true)]
    pub token_admin: Option<SecretString>,
    /// Token of pushes (environment only)
    #[arg(long, hide = true)]
    pub token_event: Option<SecretString>,
}

/// The tokens in force; all `None` when the service is open.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// Opens the catalogue.
    pub user: Option<SecretString>,
    /// Opens the administration, and whatever the user token opens.
    pub admin: Option<SecretString>,
    /// Opens the push routes.
    pub event: Option<SecretString>,
}

impl TokenFlags {
    /// The tokens, each from `GEOCUBE_TOKEN_USER`, `…_ADMIN` or `…_EVENT`, else from `tokensFile`, else from `secret`,
    /// the value of the secret `baSecretName`.
    ///
    /// # Errors
    /// When the file cannot be read, or file or secret are no JSON object whose tokens are texts that are not empty.
    pub fn load(&self, secret: Option<&SecretString>) -> Result<Tokens, ConfigError> {
        let given = Tokens {
            user: self.token_user.clone(),
            admin: self.token_admin.clone(),
            event: self.token_event.clone(),
        };
        let in_file = match &self.tokens_file {
            None => Tokens::default(),
            Some(path) => {
                let unreadable = |source| ConfigError::Unreadable {
                    flag: "--tokensFile",
                    path: path.clone(),
                    source,
                };
                let text = fs::read_to_string(path).map_err(unreadable)?;
                Tokens::from_json("--tokensFile", &SecretString::from(text))?
            }
        };
        let in_secret = match secret {
            None => Tokens::default(),
            Some(text) => Tokens::from_json("--baSecretName", text)?,
        };
        Ok(given.or(in_file).or(in_secret))
    }
}

impl Tokens {
    /// Whether no token is configured at all.
    pub fn is_open(&self) -> bool {
        let Self { user, admin, event } = self;
        user.is_none() && admin.is_none() && event.is_none()
    }

    fn from_json(flag: &'static str, text: &SecretString) -> Result<Self, ConfigError> {
        let invalid = || ConfigError::Invalid {
            flag,
            expected: "a JSON object of texts that are not empty",
        };
        let object: Map<String, Value> =
            serde_json::from_str(text.expose_secret()).map_err(|_| invalid())?;
        let token = |key: &str| match object.get(key) {
            None => Ok(None),
            Some(Value::String(token)) if !token.is_empty() => {
                Ok(Some(SecretString::from(token.as_str())))
            }
            Some(_) => Err(invalid()),
        };
        Ok(Self {
            user: token("user")?,
            admin: token("admin")?,
            event: token("event")?,
        })
    }

    fn or(self, other: Self) -> Self {
        Self {
            user: self.user.or(other.user),
            admin: self.admin.or(other.admin),
            event: self.event.or(other.event),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn plain(token: Option<&SecretString>) -> &str {
        token.map_or("-", ExposeSecret::expose_secret)
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_secret() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(br#"{"user": "file-user", "admin": "file-admin", "other": 1}"#)
            .unwrap();
        let flags = TokenFlags {
            tokens_file: Some(file.path().to_owned()),
            token_user: Some("env-user".into()),
            ..TokenFlags::default()
        };
        let secret = SecretString::from(r#"{"user": "s", "admin": "s", "event": "secret-event"}"#);
        let tokens = flags.load(Some(&secret)).unwrap();
        let Tokens { user, admin, event } = &tokens;
        assert_eq!(plain(user.as_ref()), "env-user");
        assert_eq!(plain(admin.as_ref()), "file-admin");
        assert_eq!(plain(event.as_ref()), "secret-event");
        assert!(!tokens.is_open());
    }

    #[test]
    fn the_service_is_open_without_any_token() {
        assert!(TokenFlags::default().load(None).unwrap().is_open());
    }

    #[test]
    fn a_token_that_would_open_the_service_by_mistake_is_refused() {
        for json in [
            r#"{"user": ""}"#,
            r#"{"admin": null}"#,
            r#"{"event": 5}"#,
            "[]",
            "hidden",
            "",
        ] {
            let error = TokenFlags::default()
                .load(Some(&json.into()))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("--baSecretName") && !error.contains("hidden"),
                "{json}: {error}"
            );
        }
        let flags = TokenFlags {
            tokens_file: Some("/nonexistent/tokens".into()),
            ..TokenFlags::default()
        };
        assert!(
            flags
                .load(None)
                .unwrap_err()
                .to_string()
                .contains("/nonexistent/tokens")
        );
    }
}
