//! OIDC tokens of pushes, as Google signs them for a service account.

mod claims;
mod fetch;
mod keys;
mod token;

use claims::Expected;
use keys::{KeyCache, NoKey};
use runtime::config::PushAudience;
use std::time::{SystemTime, UNIX_EPOCH};
use token::Token;

/// Tells whether a token is one of the service accounts whose pushes are taken.
#[derive(Debug)]
pub struct PushVerifier {
    expected: Expected,
    keys: KeyCache,
}

/// Why a push is not taken; the text is harmless to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token is absent or cannot be believed.
    Unauthenticated(String),
    /// The token can be believed, but is somebody else's.
    Forbidden,
    /// Nobody can tell for now, as there are no keys to check with.
    Unavailable,
}

impl PushVerifier {
    /// A verifier that fetches keys when the first token comes.
    ///
    /// # Errors
    /// When there can be no client of HTTP.
    pub fn new(expected: &PushAudience) -> Result<Self, reqwest::Error> {
        Ok(Self {
            expected: Expected {
                audience: expected.audience.clone(),
                accounts: expected.service_accounts.clone(),
            },
            keys: KeyCache::new(&expected.keys_url)?,
        })
    }

    pub(super) async fn verify(&self, token: &[u8]) -> Result<(), Refusal> {
        let token = Token::parse(token)?;
        let key = self.keys.find(token.key_id()).await;
        let key = key.map_err(|missing| match missing {
            NoKey::Unknown => Refusal::unauthenticated("the key of the token is unknown"),
            NoKey::Unavailable => Refusal::Unavailable,
        })?;
        let claims = token.claims_signed_by(&key)?;
        self.expected.check(&claims, now())
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

impl Refusal {
    fn unauthenticated(text: impl Into<String>) -> Self {
        Self::Unauthenticated(text.into())
    }

    /// For whoever asked.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Unauthenticated(text) => text,
            Self::Forbidden => "the account of the token may not push",
            Self::Unavailable => "the keys of tokens cannot be had for now",
        }
    }
}
