//! The flags of the API server.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use runtime::ConfigError;
use runtime::config::{
    BoundFlags, DatabaseFlags, GdalFlags, Messaging, MessagingFlags, PathFlags, PushAuthFlags,
    SweepFlags, TlsFlags, TokenFlags,
};
use runtime::value;

use crate::Connections;

/// What 0 stands for as age.
const DEFAULT_AGE: Duration = Duration::from_mins(15);
/// Stands for no limit, and can be added to any clock.
const LONGEST_AGE: Duration = Duration::from_hours(24 * 365);
/// Least age of a connection.
const SHORTEST_CONNECTION: Duration = Duration::from_mins(1);

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
    /// Seconds that one answer of a cube may take, and age at which a connection takes no further request; 0 or less stands for 900
    #[arg(long, default_value = "900", value_parser = value::integer::<i64>, value_name = "INT")]
    pub max_connection_age: i64,
    /// Slices of one cube made in parallel; below 1 counts as 1
    #[arg(long, default_value = "1", value_parser = value::integer::<i64>, value_name = "INT")]
    pub workers: i64,
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

    /// Certificate and key, `None` without TLS.
    pub fn certificate(&self) -> Option<(&Path, &Path)> {
        let on = self.tls.tls && !self.paths.local;
        on.then_some((self.tls.tls_cert.as_path(), self.tls.tls_key.as_path()))
    }

    /// How long one answer of a cube may take. Command lines of v0.2 gave 0 for the default.
    pub fn cube_duration(&self) -> Duration {
        match u64::try_from(self.max_connection_age) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds).min(LONGEST_AGE),
            Ok(_) | Err(_) => DEFAULT_AGE,
        }
    }

    /// Age at which a connection takes no further request: a short limit of cubes is no reason to
    /// connect all the time.
    pub fn connection_age(&self) -> Duration {
        self.cube_duration().max(SHORTEST_CONNECTION)
    }

    /// Slices of one cube made in parallel.
    pub fn parallel_slices(&self) -> usize {
        usize::try_from(self.workers).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests;
