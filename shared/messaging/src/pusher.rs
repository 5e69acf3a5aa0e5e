//! Delivery of a queue to an HTTP endpoint, as a push subscription does.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use secrecy::{ExposeSecret, SecretString};

use crate::{Delivery, Error, Handler, Outcome, Result, push, tls};

/// Longest wait before a next delivery, whatever the endpoint asks for.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// Longest wait between deliveries to an endpoint that does not say when; the first is one second.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// Most of an answer's text that becomes a reason.
const MAX_REASON: usize = 500;

/// How messages are pushed.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Time for an answer. The endpoint answers when the work is done, so this bounds the work.
    pub timeout: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Token sent as `Authorization: Bearer`, where the endpoint asks for one.
    pub bearer: Bearer,
}

/// A token that is asked for with each message: it may be replaced.
#[derive(Clone)]
pub struct Bearer(Arc<dyn Fn() -> Option<SecretString> + Send + Sync>);

impl Bearer {
    /// What this gives at the time.
    pub fn by(token: impl Fn() -> Option<SecretString> + Send + Sync + 'static) -> Self {
        Self(Arc::new(token))
    }

    /// The header of a message; `None` without a token.
    fn header(
        &self,
    ) -> Option<std::result::Result<header::HeaderValue, header::InvalidHeaderValue>> {
        let token = (self.0)()?;
        let value = header::HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
        Some(value.map(|mut value| {
            value.set_sensitive(true);
            value
        }))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bearer")
    }
}

impl From<Option<SecretString>> for Bearer {
    fn from(token: Option<SecretString>) -> Self {
        Self::by(move || token.clone())
    }
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_hours(1),
            connect_timeout: Duration::from_secs(5),
            bearer: None.into(),
        }
    }
}

/// A handler that posts each message, in its push envelope, to an endpoint whose status decides what becomes of it:
///
/// | Status | Outcome |
/// |---|---|
/// | 102, 200, 201, 202, 204 | done |
/// | 400 | put aside |
/// | 401, 403 | delivered again after 1 s, 2 s, 4 s … 30 s; no try, as the token may be replaced at one end first |
/// | any other with `Retry-After` | delivered again at that time; the delivery is no try |
/// | any other, or no answer | delivered again after 1 s, 2 s, 4 s … 30 s; without a connection it was no try |
#[derive(Clone, Debug)]
pub struct HttpPusher {
    client: Client,
    endpoint: Url,
    bearer: Bearer,
}

impl HttpPusher {
    /// A pusher to an `http` or `https` endpoint, with connections that are kept open.
    pub fn new(endpoint: &str, options: &PushOptions) -> Result<Self> {
        let failed = |source: Box<dyn StdError + Send + Sync>| Error::Failed {
            operation: format!("push to {endpoint:?}"),
            source,
        };
        let url = Url::parse(endpoint).map_err(|error| failed(error.into()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(failed(
                "expected a URL that begins with http:// or https://".into(),
            ));
        }
        let bearer = options.bearer.clone();
        if let Some(Err(error)) = bearer.header() {
            return Err(failed(error.into()));
        }
        tls::ensure_provider();
        let client = Client::builder()
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout)
            // a redirected POST would arrive without its body
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| failed(error.into()))?;
        Ok(Self {
            client,
            endpoint: url,
            bearer,
        })
    }
}

#[async_trait]
impl Handler for HttpPusher {
    async fn handle(&self, delivery: Delivery) -> Outcome {
        let mut request = self
            .client
            .post(self.endpoint.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(push::build(&delivery));
        // one that is no header is refused by the endpoint
        if let Some(Ok(token)) = self.bearer.header() {
            request = request.header(header::AUTHORIZATION, token);
        }
        match request.send().await {
            Ok(response) => judge(response, delivery.delivery_count).await,
            Err(error) => {
                let reason = format!("no answer from {}: {}", self.endpoint, root_cause(&error));
                let after = back_off(delivery.delivery_count);
                if error.is_connect() {
                    Outcome::retry_after(after, reason)
                } else {
                    Outcome::failed(after, reason)
                }
            }
        }
    }
}

async fn judge(response: Response, delivery_count: Option<u32>) -> Outcome {
    let status = response.status();
    match status.as_u16() {
        102 | 200 | 201 | 202 | 204 => Outcome::Ack,
        400 => Outcome::DeadLetter {
            reason: reason(status, response).await,
        },
        401 | 403 => Outcome::retry_after(back_off(delivery_count), reason(status, response).await),
        _ => match asked_wait(&response) {
            Some(after) => Outcome::retry_after(after, reason(status, response).await),
            None => Outcome::failed(back_off(delivery_count), reason(status, response).await),
        },
    }
}

/// `Retry-After` in seconds; its form as a date is not used by our endpoints.
fn asked_wait(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn back_off(delivery_count: Option<u32>) -> Duration {
    let doublings = delivery_count.unwrap_or(1).saturating_sub(1).min(10);
    Duration::from_secs(1 << doublings).min(LONGEST_BACK_OFF)
}

/// Status and the beginning of the answer's text.
async fn reason(status: StatusCode, mut response: Response) -> String {
    let mut text = Vec::new();
    while text.len() < MAX_REASON {
        match response.chunk().await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    text.truncate(MAX_REASON);
    format!("{status}: {}", String::from_utf8_lossy(&text).trim())
        .trim_end_matches([':', ' '])
        .to_owned()
}

fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let waits: Vec<_> = [
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(5),
            Some(6),
            Some(u32::MAX),
        ]
        .map(|count| back_off(count).as_secs())
        .into();
        assert_eq!(waits, [1, 1, 1, 2, 16, 30, 30]);
    }

    #[test]
    fn only_http_endpoints_are_accepted() {
        for endpoint in ["", "localhost:8080", "ftp://h/push", "/push"] {
            assert!(
                HttpPusher::new(endpoint, &PushOptions::default()).is_err(),
                "{endpoint:?}"
            );
        }
        let options = PushOptions {
            bearer: Some("line\nbreak".into()).into(),
            ..PushOptions::default()
        };
        assert!(HttpPusher::new("http://127.0.0.1/push", &options).is_err());
    }
}
