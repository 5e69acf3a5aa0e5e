use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Scheme;
use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
};

use super::credentials;
use crate::ConfigError;

/// Time for one request with its content, which is a piece of a file.
const REQUEST_LIMIT: Duration = Duration::from_mins(5);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Clients that are kept; callers name buckets, so that their number has a bound.
const MOST: usize = 64;

/// How to reach S3. What is not given comes from the variables `AWS_…`, the metadata service of the machine, or the
/// default of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Options {
    /// Region of the buckets.
    pub region: Option<String>,
    /// URL of a compatible store, addressed by path (`http://host:9000`).
    pub endpoint: Option<String>,
    /// Shared credentials file; the section of `AWS_PROFILE` or `default` is read once.
    pub credentials_file: Option<PathBuf>,
}

/// One client per bucket.
pub(super) struct Buckets {
    builder: AmazonS3Builder,
    clients: Mutex<HashMap<String, Arc<AmazonS3>>>,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

impl Buckets {
    pub(super) fn new(options: &S3Options) -> Result<Self, ConfigError> {
        let client = ClientOptions::new()
            .with_timeout(REQUEST_LIMIT)
            .with_connect_timeout(CONNECT_LIMIT);
        let retry = RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(retry);
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &options.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_virtual_hosted_style_request(false)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(file) = &options.credentials_file {
            let profile = std::env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
            let keys = credentials::read(file, &profile).map_err(|error| failed(error.into()))?;
            builder = builder
                .with_access_key_id(keys.id)
                .with_secret_access_key(keys.secret);
            if let Some(token) = keys.token {
                builder = builder.with_token(token);
            }
        }
        let buckets = Self {
            builder,
            clients: Mutex::default(),
        };
        buckets
            .build("geocube")
            .map_err(|error| failed(error.into()))?;
        Ok(buckets)
    }

    pub(super) fn client(&self, bucket: &str) -> object_store::Result<Arc<AmazonS3>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(bucket) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.build(bucket)?);
        if clients.len() >= MOST {
            clients.clear();
        }
        clients.insert(bucket.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    fn build(&self, bucket: &str) -> object_store::Result<AmazonS3> {
        self.builder.clone().with_bucket_name(bucket).build()
    }
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> ConfigError {
    ConfigError {
        scheme: Scheme::S3,
        source,
    }
}
