//! A signed token: three parts in base64, the first of which names the key that made the third.

use super::Refusal;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value};

/// Longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// The public half of a key of RS256, the only kind that is believed.
pub(super) type Key = RsaPublicKeyComponents<Vec<u8>>;

/// A token of which nothing is believed yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// Header and claims, as they were signed.
    signed: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
    key_id: String,
}

impl<'a> Token<'a> {
    /// Takes a token apart. A token does not choose how it is checked: any other algorithm is refused here.
    pub(super) fn parse(token: &'a [u8]) -> Result<Self, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::unauthenticated("the token is too long"));
        }
        let malformed = || Refusal::unauthenticated("the token is no signed JWT");
        let token = std::str::from_utf8(token).map_err(|_| malformed())?;
        let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let header = object(header).ok_or_else(malformed)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| malformed())?;
        if header.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err(Refusal::unauthenticated("the token is not signed by RS256"));
        }
        // what must be understood and is not
        if header.contains_key("crit") {
            return Err(malformed());
        }
        let Some(Value::String(key_id)) = header.get("kid") else {
            return Err(Refusal::unauthenticated("the token names no key"));
        };
        Ok(Self {
            signed,
            claims,
            signature,
            key_id: key_id.clone(),
        })
    }

    /// The key that it claims to be signed by.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it says, once the key is known to have signed it.
    pub(super) fn claims_signed_by(&self, key: &Key) -> Result<Map<String, Value>, Refusal> {
        key.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            self.signed.as_bytes(),
            &self.signature,
        )
        .map_err(|_| Refusal::unauthenticated("the signature of the token is wrong"))?;
        object(self.claims).ok_or_else(|| Refusal::unauthenticated("the token says nothing"))
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}
