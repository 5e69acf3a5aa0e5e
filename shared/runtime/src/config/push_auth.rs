//! Whose pushes are believed.

use clap::Args;
use url::{Host, Url};

use crate::ConfigError;
use crate::value::{List, ValueError};

/// Flags of the check of OIDC tokens on push routes.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct PushAuthFlags {
    /// Audience that the token of a push must have; without it, the event token protects the push routes
    #[arg(long = "push-audience", value_name = "AUDIENCE")]
    pub push_audience: Option<String>,
    /// Service accounts whose pushes are accepted, comma-separated
    #[arg(long = "push-service-accounts", value_name = "EMAILS")]
    pub push_service_accounts: Option<List>,
    /// Where the keys of these tokens are published, as a URL
    #[arg(long = "push-keys-url", default_value = GOOGLE_KEYS, value_parser = keys_url, value_name = "URL")]
    pub push_keys_url: String,
}

/// Where Google publishes its keys.
const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

impl Default for PushAuthFlags {
    fn default() -> Self {
        Self {
            push_audience: None,
            push_service_accounts: None,
            push_keys_url: GOOGLE_KEYS.to_owned(),
        }
    }
}

/// What the OIDC token of a push must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAudience {
    /// The `aud` claim.
    pub audience: String,
    /// The accepted `email` claims.
    pub service_accounts: Vec<String>,
    /// Where the keys of tokens are published.
    pub keys_url: String,
}

impl PushAuthFlags {
    /// The check to make, `None` when pushes carry no OIDC token.
    ///
    /// # Errors
    /// When one flag is given without the other: an audience alone would let any Google account in.
    pub fn audience(&self) -> Result<Option<PushAudience>, ConfigError> {
        let service_accounts = self
            .push_service_accounts
            .as_deref()
            .unwrap_or_default()
            .to_vec();
        match (&self.push_audience, service_accounts.is_empty()) {
            (None, true) => Ok(None),
            (Some(audience), false) => Ok(Some(PushAudience {
                audience: audience.clone(),
                service_accounts,
                keys_url: self.push_keys_url.clone(),
            })),
            (Some(_), true) => Err(ConfigError::Missing {
                flags: "--push-service-accounts",
                reason: "--push-audience alone would accept the pushes of any account",
            }),
            (None, false) => Err(ConfigError::Missing {
                flags: "--push-audience",
                reason: "--push-service-accounts are only checked together with an audience",
            }),
        }
    }
}

/// Whoever changes the keys on their way signs tokens: without TLS they come from this machine only.
fn keys_url(text: &str) -> Result<String, ValueError> {
    let expected = ValueError::new("a URL that begins with https://, or http:// on loopback");
    let Ok(url) = Url::parse(text) else {
        return Err(expected);
    };
    let on_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && on_loopback) {
        Ok(text.to_owned())
    } else {
        Err(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_tls_or_from_this_machine() {
        for (text, fits) in [
            (GOOGLE_KEYS, true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://[::1]:8080/keys", true),
            ("http://localhost/keys", true),
            ("http://example.com/keys", false),
            ("http://127.0.0.1.example.com/keys", false),
            ("ftp://127.0.0.1/keys", false),
            ("file:///keys", false),
            ("keys", false),
        ] {
            assert_eq!(keys_url(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn an_audience_and_its_accounts_go_together() {
        let flags = |audience: Option<&str>, accounts: Option<&str>| PushAuthFlags {
            push_audience: audience.map(str::to_owned),
            push_service_accounts: accounts.map(List::from),
            ..PushAuthFlags::default()
        };
        assert_eq!(flags(None, None).audience().unwrap(), None);
        assert!(flags(Some("a"), None).audience().is_err());
        assert!(flags(Some("a"), Some(",")).audience().is_err());
        assert!(flags(None, Some("x@y")).audience().is_err());
        let both = flags(Some("a"), Some("x@y,z@y"))
            .audience()
            .unwrap()
            .unwrap();
        assert_eq!(both.service_accounts, ["x@y", "z@y"]);
    }
}
