use google_cloud_auth::credentials::{self, Credentials, anonymous};
use url::Url;

/// Root of the service.
const SERVICE: &str = "https://storage.googleapis.com";

/// How to reach Google Cloud Storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GcsConnection {
    /// The service, with the credentials of the environment (application default credentials, workload identity).
    Service,
    /// An emulator at `host:port` or a URL, without credentials.
    Emulator(String),
}

/// Where requests go, and what they carry.
pub(super) struct Access {
    pub(super) root: Url,
    /// Those of an emulator are anonymous.
    pub(super) credentials: Credentials,
    pub(super) emulated: bool,
    /// Whether the root is another one than that of the service.
    pub(super) elsewhere: bool,
}

impl GcsConnection {
    /// The emulator of the variable `STORAGE_EMULATOR_HOST`, else the service.
    pub fn from_environment() -> Self {
        match std::env::var("STORAGE_EMULATOR_HOST") {
            Ok(host) if !host.trim().is_empty() => Self::Emulator(host.trim().to_owned()),
            Ok(_) | Err(_) => Self::Service,
        }
    }

    pub(super) fn access(&self) -> Result<Access, Box<dyn std::error::Error + Send + Sync>> {
        match self {
            Self::Service => Ok(Access {
                root: Url::parse(SERVICE)?,
                credentials: credentials::Builder::default().build()?,
                emulated: false,
                elsewhere: false,
            }),
            Self::Emulator(host) => {
                let text = if host.contains("://") {
                    host.clone()
                } else {
                    format!("http://{host}")
                };
                Ok(Access {
                    root: Url::parse(&text)?,
                    credentials: anonymous::Builder::new().build(),
                    emulated: true,
                    elsewhere: true,
                })
            }
        }
    }
}
