//! What a token must say.

use super::Refusal;
use serde_json::{Map, Value};

/// Clocks may differ by this, in seconds.
const LEEWAY: f64 = 60.0;
/// Who signs.
const ISSUERS: [&str; 2] = ["accounts.google.com", "https://accounts.google.com"];

/// For whom tokens are made, and of whom they are.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) audience: String,
    pub(super) accounts: Vec<String>,
}

impl Expected {
    /// Checks the claims of a token whose signature is right, at a time in seconds since 1970.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: f64) -> Result<(), Refusal> {
        let unusable = |name| Refusal::unauthenticated(format!("the token has no usable {name}"));
        let time = |name| {
            let value = claims.get(name).and_then(Value::as_f64);
            value.ok_or_else(|| unusable(name))
        };
        if now > time("exp")? + LEEWAY {
            return Err(Refusal::unauthenticated("the token is expired"));
        }
        let begins = if claims.contains_key("nbf") {
            time("iat")?.max(time("nbf")?)
        } else {
            time("iat")?
        };
        if begins > now + LEEWAY {
            return Err(Refusal::unauthenticated("the token is not valid yet"));
        }
        let issuer = claims.get("iss").and_then(Value::as_str);
        if !ISSUERS.contains(&issuer.ok_or_else(|| unusable("iss"))?) {
            return Err(Refusal::unauthenticated("the token has another issuer"));
        }
        let is_for_us = |value: &Value| value.as_str() == Some(&self.audience);
        let audience = match claims.get("aud").ok_or_else(|| unusable("aud"))? {
            Value::Array(several) => several.iter().any(is_for_us),
            one => is_for_us(one),
        };
        if !audience {
            return Err(Refusal::unauthenticated("the token has another audience"));
        }
        if claims.get("email_verified") != Some(&Value::Bool(true)) {
            let text = "the e-mail of the token is not verified";
            return Err(Refusal::unauthenticated(text));
        }
        let account = claims.get("email").and_then(Value::as_str);
        if account.is_some_and(|account| self.accounts.iter().any(|known| known == account)) {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }
}
