//! The flags of the API server.

use std::net::IpAddr;
use std::time::Duration;

use clap::Parser;
use runtime::ConfigError;
use runtime::config::{
    BoundFlags, CubeFlags, DatabaseFlags, GdalFlags, Messaging, MessagingFlags, PathFlags,
    PushAuthFlags, SweepFlags, TlsFlags, TokenFlags,
};
use runtime::value;

use crate::Connections;

/// Catalogue, cubes, tiles and jobs over gRPC and HTTP, on one port.
///
/// Every flag can also be given as environment variable: --maxConnectionAge as `GEOCUBE_MAX_CONNECTION_AGE`.
#[derive(Debug, Clone, Parser)]
#[command(name = "geocube-apiserver", version, rename_all = "camelCase")]
pub struct Config {
    /// Listening address
    #[arg(long, default_value = "0.0.0.0", value_name = "IP")]
    pub host: IpAddr,
    /// Listening port [env also: PORT]
    #[arg(long, default_value = "8080", value_parser = value::integer::<u16>)]
    pub port: u16,
    /// Folder of the markers of cancelled jobs, a path or gs:// or s3:// URI
    #[arg(long, value_name = "URI")]
    pub cancelled_jobs: Option<String>,
    /// Root of the managed files, a path or gs:// or s3:// URI; turns consolidation on
    #[arg(long, value_name = "URI")]
    pub ingestion_storage: Option<String>,
    /// Google Cloud project of secrets, and of Pub/Sub when a queue is named too
    #[arg(long)]
    pub project: Option<String>,
    /// Where the embedded queue pushes orders; without it they wait for pulling consolidaters
    #[arg(long, value_name = "URL")]
    pub consolidater_url: Option<String>,
    /// Orders pushed to consolidaterUrl at the same time: as many as its consolidaters carry out together
    #[arg(long, default_value = "1", value_parser = value::integer::<usize>, value_name = "INT")]
    pub consolidater_tasks: usize,
    /// Age below which `TidyDB` spares what nothing refers to, such as that of an ingestion under way
    #[arg(long, default_value = "0", value_parser = value::duration, value_name = "DURATION")]
    pub tidy_min_age: Duration,
    /// Only say whether the flags are understood: exit code 0 when they are
    #[arg(long)]
    pub check: bool,
    /// How cubes are built.
    #[command(flatten)]
    pub cubes: CubeFlags,
    /// Where the data of the catalogue is.
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// The queue of events and orders.
    #[command(flatten)]
    pub messaging: MessagingFlags,
    /// Bearer tokens.
    #[command(flatten)]
    pub tokens: TokenFlags,
    /// OIDC tokens of pushes.
    #[command(flatten)]
    pub push_auth: PushAuthFlags,
    /// The server's certificate.
    #[command(flatten)]
    pub tls: TlsFlags,
    /// Files that callers may name.
    #[command(flatten)]
    pub paths: PathFlags,
    /// Raster reading.
    #[command(flatten)]
    pub gdal: GdalFlags,
    /// Bounds of requests.
    #[command(flatten)]
    pub bounds: BoundFlags,
    /// Recovery of lost work.
    #[command(flatten)]
    pub sweep: SweepFlags,
}

impl Config {
    /// Checks what flags mean together, so that a start fails before anything is touched.
    ///
    /// # Errors
    /// The first combination that cannot work, with its flags named.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.database.connection(self.project.as_deref())?;
        self.push_auth.audience()?;
        if self.tokens.ba_secret_name.is_some() && self.project.is_none() {
            return Err(ConfigError::Missing {
                flags: "--project",
                reason: "--baSecretName names a secret of a project",
            });
        }
        self.tokens.secret(self.project.as_deref())?;
        self.connections()?;
        let messaging = self.messaging()?;
        if self.ingestion_storage.is_none() {
            return match self.messaging.consolidations_queue {
                Some(_) => Err(ConfigError::Missing {
                    flags: "--ingestionStorage",
                    reason: "--consolidationsQueue has no use without a place for the consolidated files",
                }),
                None => Ok(()),
            };
        }
        if self.cancelled_jobs.is_none() {
            return Err(ConfigError::Missing {
                flags: "--cancelledJobs",
                reason: "--ingestionStorage turns consolidation on, whose jobs can be cancelled",
            });
        }
        match messaging {
            Messaging::PubSub {
                consolidations: None,
                ..
            } => Err(ConfigError::Missing {
                flags: "--consolidationsQueue",
                reason: "--ingestionStorage turns consolidation on, whose orders need a topic of Pub/Sub",
            }),
            Messaging::PubSub {
                consolidations: Some(_),
                ..
            }
            | Messaging::Embedded { .. } => Ok(()),
        }
    }

    /// The shares of `dbMaxConnections`.
    ///
    /// # Errors
    /// When they are too few, or the queue cannot be chosen.
    pub fn connections(&self) -> Result<Connections, ConfigError> {
        let embedded = matches!(self.messaging()?, Messaging::Embedded { .. });
        Connections::share(self.bounds.db_max_connections, embedded)
    }

    /// The queue to use.
    ///
    /// # Errors
    /// When its database is no URL of Postgres.
    pub fn messaging(&self) -> Result<Messaging, ConfigError> {
        self.messaging.choose(self.project.as_deref())
    }
}

#[cfg(test)]
mod tests;
