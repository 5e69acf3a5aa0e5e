//! The published keys, over HTTP.

use super::token::Key;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Client, Response, header, redirect};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Time for an answer: a push waits for it.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes.
const LARGEST: usize = 256 << 10;
/// How long keys are good for when their server does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);
/// Bounds on what the server says.
const SHORTEST_LIFETIME: Duration = Duration::from_mins(1);
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Keys by their ids, and how long they are good for.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) keys: HashMap<String, Arc<Key>>,
    pub(super) lifetime: Duration,
}

/// Where keys are published.
#[derive(Debug)]
pub(super) struct KeySource {
    client: Client,
    url: String,
}

impl KeySource {
    pub(super) fn new(url: &str) -> Result<Self, reqwest::Error> {
        // fails only when the program chose its cryptography before, which is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(ANSWER_LIMIT)
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            url: url.to_owned(),
        })
    }

    /// Fetches them; the text of a failure is for the log.
    pub(super) async fn fetch(&self) -> Result<Fetched, String> {
        let answer = self.client.get(&self.url).send().await;
        let answer = answer
            .and_then(Response::error_for_status)
            .map_err(|error| error.to_string())?;
        let lifetime = lifetime(answer.headers());
        let body = read(answer).await?;
        let published: Published = serde_json::from_slice(&body)
            .map_err(|error| format!("expected a set of keys in JSON: {error}"))?;
        let keys: HashMap<_, _> = published.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err("no key of RS256 is published".to_owned());
        }
        Ok(Fetched { keys, lifetime })
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("more than {LARGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A set of keys in JSON (RFC 7517).
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// A key that signs by RS256, with its id; others may be published beside it.
fn usable(key: &Value) -> Option<(String, Arc<Key>)> {
    let text = |name| key.get(name).and_then(Value::as_str);
    let number = |name| BASE64_URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let is_one = text("kty") == Some("RSA")
        && text("alg").is_none_or(|algorithm| algorithm == "RS256")
        && text("use").is_none_or(|purpose| purpose == "sig");
    if !is_one {
        return None;
    }
    let parts = Key {
        n: number("n")?,
        e: number("e")?,
    };
    Some((text("kid")?.to_owned(), Arc::new(parts)))
}

/// What `Cache-Control` leaves after `Age`, within bounds.
fn lifetime(headers: &header::HeaderMap) -> Duration {
    let texts = headers.get_all(header::CACHE_CONTROL).iter();
    let max_age = texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok());
    let age = headers
        .get(header::AGE)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    max_age
        .map_or(DEFAULT_LIFETIME, |seconds: u64| {
            Duration::from_secs(seconds.saturating_sub(age))
        })
        .clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::lifetime;
    use http::HeaderMap;

    #[test]
    fn keys_are_good_for_as_long_as_their_server_says_within_bounds() {
        for (cache_control, age, seconds) in [
            (Some("public, max-age=20000, must-revalidate"), None, 20_000),
            (Some("public, max-age=20000"), Some("5000"), 15_000),
            (Some("max-age=20000"), Some("30000"), 60),
            (Some("max-age=0"), None, 60),
            (Some("max-age=99999999"), None, 86_400),
            (Some("max-age=soon"), None, 3600),
            (Some("no-store"), None, 3600),
            (None, None, 3600),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = cache_control {
                headers.insert("cache-control", value.parse().unwrap());
            }
            if let Some(value) = age {
                headers.insert("age", value.parse().unwrap());
            }
            let got = lifetime(&headers).as_secs();
            assert_eq!(got, seconds, "{cache_control:?} {age:?}");
        }
    }
}
