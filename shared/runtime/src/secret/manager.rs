//! A client of Secret Manager. One call is all we need of it: plain REST costs no generated client.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use google_cloud_auth::credentials::{self, CacheableResource, Credentials};
use reqwest::{Client, Response, StatusCode, Url, header::HeaderMap, redirect};
use secrecy::SecretString;
use serde_json::Value;

use super::{Secret, SecretError, SecretName};

const SERVICE: &str = "https://secretmanager.googleapis.com";
/// Leads to a server of another address, which gets no credentials.
const EMULATOR_VARIABLE: &str = "SECRET_MANAGER_EMULATOR_HOST";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Time for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Time for everything: credentials, answers, and pauses between them.
const LIMIT: Duration = Duration::from_secs(45);
/// Pauses before the next try, after one without answer or with a passing failure.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];
/// Longest part of a refusal that is repeated.
const LONGEST_REASON: usize = 300;

/// Reads secrets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SecretManager {
    client: Client,
    root: Url,
    credentials: Option<Credentials>,
}

impl SecretManager {
    /// The server of the variable `SECRET_MANAGER_EMULATOR_HOST`, else the service of Google, with the credentials of
    /// this machine (application default credentials).
    ///
    /// # Errors
    /// When the address is malformed, or the credentials are; `name` is what they are needed for.
    pub fn from_environment(name: &SecretName) -> Result<Self, SecretError> {
        ensure_cryptography();
        match std::env::var(EMULATOR_VARIABLE) {
            Ok(address) if !address.trim().is_empty() => Self::at(address.trim()),
            Ok(_) | Err(_) => Self::service(name),
        }
    }

    /// A server at `host:port` or a URL, which is sent no credentials.
    ///
    /// # Errors
    /// When the address is malformed.
    pub fn at(address: &str) -> Result<Self, SecretError> {
        let malformed = SecretError::Address {
            variable: EMULATOR_VARIABLE,
        };
        let text = if address.contains("://") {
            address.to_owned()
        } else {
            format!("http://{address}")
        };
        match Url::parse(&text) {
            Ok(root) if root.has_host() && matches!(root.scheme(), "http" | "https") => {
                Self::with(root, None).map_err(|_| malformed)
            }
            Ok(_) | Err(_) => Err(malformed),
        }
    }

    fn service(name: &SecretName) -> Result<Self, SecretError> {
        let no_credentials = |source: Box<dyn std::error::Error + Send + Sync>| {
            let name = name.clone();
            SecretError::Credentials { name, source }
        };
        let credentials = credentials::Builder::default()
            .with_scopes([SCOPE])
            .build()
            .map_err(|error| no_credentials(error.into()))?;
        let root = Url::parse(SERVICE).map_err(|error| no_credentials(error.into()))?;
        Self::with(root, Some(credentials)).map_err(|error| no_credentials(error.into()))
    }

    fn with(root: Url, credentials: Option<Credentials>) -> reqwest::Result<Self> {
        ensure_cryptography();
        let client = Client::builder()
            .timeout(ANSWER_LIMIT)
            // whoever is redirected to would see the credentials
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            root,
            credentials,
        })
    }

    /// The latest version of a secret.
    ///
    /// # Errors
    /// When it cannot be had; the error names the flag and the secret.
    pub async fn fetch(&self, name: &SecretName) -> Result<Secret, SecretError> {
        let fetched = tokio::time::timeout(LIMIT, self.fetch_with_retries(name)).await;
        fetched.unwrap_or_else(|_| {
            Err(SecretError::TimedOut {
                name: name.clone(),
                limit: LIMIT,
            })
        })
    }

    async fn fetch_with_retries(&self, name: &SecretName) -> Result<Secret, SecretError> {
        let url = self.url(name);
        let headers = self.headers(name).await?;
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = self.client.get(url.clone()).headers(headers.clone());
            let answer = request.send().await;
            let passing = answer.as_ref().map_or(true, |answer| {
                let status = answer.status();
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
            });
            if let Some(pause) = pauses.next().filter(|_| passing) {
                tokio::time::sleep(pause).await;
                continue;
            }
            return match answer {
                Ok(answer) => read(name, answer).await,
                Err(error) => Err(unreachable(name, error)),
            };
        }
    }

    fn url(&self, name: &SecretName) -> Url {
        let mut url = self.root.clone();
        let (project, id) = (name.project(), name.id());
        url.set_path(&format!(
            "/v1/projects/{project}/secrets/{id}/versions/latest:access"
        ));
        url
    }

    async fn headers(&self, name: &SecretName) -> Result<HeaderMap, SecretError> {
        let Some(credentials) = &self.credentials else {
            return Ok(HeaderMap::new());
        };
        match credentials.headers(http::Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // only answered to those who say what they know already
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(SecretError::Credentials {
                name: name.clone(),
                source: error.into(),
            }),
        }
    }
}

async fn read(name: &SecretName, answer: Response) -> Result<Secret, SecretError> {
    let status = answer.status();
    let body = answer.bytes().await;
    let body = body.map_err(|error| unreachable(name, error))?;
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        return Err(refusal(name.clone(), status, &json));
    }
    let data = json.pointer("/payload/data").and_then(Value::as_str);
    let bytes = data.and_then(|data| BASE64_STANDARD.decode(data).ok());
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Ok(Secret {
            name: name.clone(),
            value: SecretString::from(text),
        }),
        None => Err(SecretError::NoText { name: name.clone() }),
    }
}

fn refusal(name: SecretName, status: StatusCode, json: &Value) -> SecretError {
    let said = json.pointer("/error/message").and_then(Value::as_str);
    let said: String = said
        .unwrap_or("no reason")
        .chars()
        .take(LONGEST_REASON)
        .collect();
    let reason = format!("{}: {said}", status.as_u16());
    match status {
        StatusCode::NOT_FOUND => SecretError::NotFound { name, reason },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => SecretError::Denied { name, reason },
        _ => SecretError::Refused { name, reason },
    }
}

fn unreachable(name: &SecretName, error: reqwest::Error) -> SecretError {
    SecretError::Unreachable {
        name: name.clone(),
        source: error.into(),
    }
}

/// Makes sure that TLS has its cryptography; a program that wants another one installs it first.
fn ensure_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // fails only when another thread was faster, which is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests;
