use google_cloud_auth::credentials::{Credentials, anonymous};

use crate::tls;

/// How to reach Pub/Sub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The service, with the credentials of the environment (application default credentials).
    Service,
    /// An emulator at `host:port`, without encryption and credentials.
    Emulator(String),
}

impl Connection {
    /// The emulator of the variable `PUBSUB_EMULATOR_HOST`, else the service.
    pub fn from_environment() -> Self {
        match std::env::var("PUBSUB_EMULATOR_HOST") {
            Ok(host) if !host.trim().is_empty() => Self::Emulator(host.trim().to_owned()),
            Ok(_) | Err(_) => Self::Service,
        }
    }

    /// Address and credentials where they differ from the defaults of the client library.
    pub(super) fn overrides(&self) -> Option<(String, Credentials)> {
        tls::ensure_provider();
        match self {
            Self::Service => None,
            Self::Emulator(host) => {
                let host = host.strip_prefix("http://").unwrap_or(host);
                Some((format!("http://{host}"), anonymous::Builder::new().build()))
            }
        }
    }
}
