//! The service as a client sees it: gRPC and HTTP at one address.

mod cube;

use std::time::Duration;

use anyhow::{Context, anyhow};
use rpc::pb::geocube_client::GeocubeClient;
use runtime::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

pub use cube::{Cube, Expected, read as read_cube};

/// The generated client, with the token on every call.
pub type Grpc = GeocubeClient<InterceptedService<Channel, Bearer>>;

/// A connection to one server.
#[derive(Debug, Clone)]
pub struct Client {
    /// Calls.
    pub grpc: Grpc,
    http: reqwest::Client,
    base: String,
    token: Option<SecretString>,
}

impl Client {
    /// Connects to `host:port`, in clear.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(address: &str, token: Option<SecretString>) -> anyhow::Result<Self> {
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let base = format!("http://{host}");
        let channel = Endpoint::from_shared(base.clone())
            .with_context(|| format!("--server {address}: expected host:port"))?
            .connect_timeout(Duration::from_secs(5))
            .connect()
            .await
            .with_context(|| {
                format!("no server answers at {host}; `geocube up --local` starts one")
            })?;
        let grpc = GeocubeClient::with_interceptor(channel, Bearer::new(token.as_ref())?);
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self {
            grpc,
            http,
            base,
            token,
        })
    }

    /// The body of `GET <path>`.
    ///
    /// # Errors
    /// When the answer is not a success, with its text.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Vec<u8>> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.base))?;
        url.query_pairs_mut().extend_pairs(query);
        let mut request = self.http.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        Err(anyhow!(
            "GET {path}: {status}: {}",
            String::from_utf8_lossy(&body)
        ))
    }
}

/// Adds the token to calls.
#[derive(Debug, Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(token: Option<&SecretString>) -> anyhow::Result<Self> {
        let value = token.map(|token| {
            let mut value: MetadataValue<Ascii> =
                format!("Bearer {}", token.expose_secret()).parse()?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self(
            value.transpose().context("the token is not plain text")?,
        ))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// A refusal of the server, in one line.
pub fn refusal(status: &Status) -> anyhow::Error {
    anyhow!("{:?}: {}", status.code(), status.message())
}
