//! The bearer tokens of the service.

mod live;

pub use live::{LiveTokens, Replaced};

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::secret::{Secret, SecretName};
use crate::{ConfigError, value};

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
    /// How often file and secret are read again; 0s for only once, at the start [default: 1m]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub tokens_reload: Option<Duration>,
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

/// What a file or secret with tokens holds.
const TOKENS: &str = "a JSON object whose keys user, admin and event are texts, not empty and without spaces around them";

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
    /// The secret that `baSecretName` names in `project`.
    ///
    /// # Errors
    /// When the project is absent, or one of the two is no name.
    pub fn secret(&self, project: Option<&str>) -> Result<Option<SecretName>, ConfigError> {
        let Some(id) = &self.ba_secret_name else {
            return Ok(None);
        };
        let Some(project) = project else {
            return Err(ConfigError::Missing {
                flags: "project",
                reason: "--baSecretName names a secret of a project",
            });
        };
        SecretName::try_new("--baSecretName", project, id).map(Some)
    }

    /// Pause between two readings of what may change; `None` where nothing is to be read again.
    pub fn reload(&self) -> Option<Duration> {
        let changes = self.tokens_file.is_some() || self.ba_secret_name.is_some();
        let pause = self.tokens_reload.unwrap_or(Duration::from_mins(1));
        (changes && !pause.is_zero()).then_some(pause)
    }

    /// The tokens, each from `GEOCUBE_TOKEN_USER`, `…_ADMIN` or `…_EVENT`, else from `tokensFile`, else from `secret`,
    /// the secret that `baSecretName` names.
    ///
    /// # Errors
    /// When the file cannot be read, file or secret are no JSON object, or a token cannot be presented by anybody.
    pub fn load(&self, secret: Option<&Secret>) -> Result<Tokens, ConfigError> {
        let given = Tokens {
            user: presentable("GEOCUBE_TOKEN_USER", self.token_user.as_ref())?,
            admin: presentable("GEOCUBE_TOKEN_ADMIN", self.token_admin.as_ref())?,
            event: presentable("GEOCUBE_TOKEN_EVENT", self.token_event.as_ref())?,
        };
        let in_file = match &self.tokens_file {
            None => Tokens::default(),
            Some(path) => {
                let unreadable = |source| ConfigError::Unreadable {
                    flag: "--tokensFile",
                    path: path.clone(),
                    source,
                };
                let text = SecretString::from(fs::read_to_string(path).map_err(unreadable)?);
                Tokens::from_json(&text).ok_or_else(|| ConfigError::InvalidFile {
                    flag: "--tokensFile",
                    path: path.clone(),
                    expected: TOKENS,
                })?
            }
        };
        let in_secret = match secret {
            None => Tokens::default(),
            Some(secret) => {
                Tokens::from_json(&secret.value).ok_or_else(|| ConfigError::InvalidSecret {
                    secret: secret.name.clone(),
                    expected: TOKENS,
                })?
            }
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

    fn from_json(text: &SecretString) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(text.expose_secret()).ok()?;
        let token = |key: &str| match object.get(key) {
            None => Some(None),
            Some(Value::String(token)) if is_presentable(token) => {
                Some(Some(SecretString::from(token.as_str())))
            }
            Some(_) => None,
        };
        Some(Self {
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

/// An empty token would open a surface by mistake; no header carries a control character or a space at the end.
fn is_presentable(token: &str) -> bool {
    !token.is_empty() && token.trim() == token && !token.contains(char::is_control)
}

fn presentable(
    variable: &'static str,
    token: Option<&SecretString>,
) -> Result<Option<SecretString>, ConfigError> {
    match token {
        Some(token) if !is_presentable(token.expose_secret()) => Err(ConfigError::Invalid {
            flag: variable,
            expected: "a text without control characters, and without spaces around it",
        }),
        Some(_) | None => Ok(token.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn plain(token: Option<&SecretString>) -> &str {
        token.map_or("-", ExposeSecret::expose_secret)
    }

    fn secret(value: &str) -> Secret {
        Secret {
            name: SecretName::try_new("--baSecretName", "p", "tokens").unwrap(),
            value: value.into(),
        }
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
        let secret = secret(r#"{"user": "s", "admin": "s", "event": "secret-event"}"#);
        let tokens = flags.load(Some(&secret)).unwrap();
        let Tokens { user, admin, event } = &tokens;
        assert_eq!(plain(user.as_ref()), "env-user");
        assert_eq!(plain(admin.as_ref()), "file-admin");
        assert_eq!(plain(event.as_ref()), "secret-event");
        assert!(!tokens.is_open());
    }

    #[test]
    fn a_file_that_holds_no_tokens_is_named() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"hidden").unwrap();
        let flags = TokenFlags {
            tokens_file: Some(file.path().to_owned()),
            ..TokenFlags::default()
        };
        let error = flags.load(None).unwrap_err().to_string();
        let path = file.path().to_str().unwrap();
        assert!(
            error.starts_with("--tokensFile: ")
                && error.contains(path)
                && !error.contains("hidden"),
            "{error}"
        );
    }

    #[test]
    fn the_secret_needs_its_project() {
        let flags = TokenFlags {
            ba_secret_name: Some("tokens".into()),
            ..TokenFlags::default()
        };
        assert!(flags.secret(None).is_err());
        let name = flags.secret(Some("p")).unwrap().unwrap();
        assert_eq!(
            name.to_string(),
            "--baSecretName: secret tokens of project p"
        );
        assert_eq!(TokenFlags::default().secret(None).unwrap(), None);
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
            r#"{"user": "hidden\n"}"#,
            r#"{"user": " hidden"}"#,
            r#"{"user": "hid\u0000den"}"#,
            "[]",
            "hidden",
            "",
        ] {
            let error = TokenFlags::default()
                .load(Some(&secret(json)))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("--baSecretName: secret tokens of project p: expected ")
                    && !error.contains("hidden"),
                "{json}: {error}"
            );
        }
        let padded = TokenFlags {
            token_admin: Some("hidden ".into()),
            ..TokenFlags::default()
        };
        let error = padded.load(None).unwrap_err().to_string();
        assert!(
            error.contains("GEOCUBE_TOKEN_ADMIN") && !error.contains("hidden"),
            "{error}"
        );
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
