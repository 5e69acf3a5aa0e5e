//! Whose pushes are believed.

use clap::Args;

use crate::ConfigError;
use crate::value::List;

/// Flags of the check of OIDC tokens on push routes.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct PushAuthFlags {
    /// Audience that the token of a push must have; without it, the event token protects the push routes
    #[arg(long = "push-audience", value_name = "AUDIENCE")]
    pub push_audience: Option<String>,
    /// Service accounts whose pushes are accepted, comma-separated
    #[arg(long = "push-service-accounts", value_name = "EMAILS")]
    pub push_service_accounts: Option<List>,
}

/// What the OIDC token of a push must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAudience {
    /// The `aud` claim.
    pub audience: String,
    /// The accepted `email` claims.
    pub service_accounts: Vec<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_and_its_accounts_go_together() {
        let flags = |audience: Option<&str>, accounts: Option<&str>| PushAuthFlags {
            push_audience: audience.map(str::to_owned),
            push_service_accounts: accounts.map(List::from),
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
