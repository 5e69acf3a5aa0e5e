//! How orders of consolidation are carried out.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::{Connection, DatabaseFlags, GdalFlags, Messaging, MessagingFlags, PathFlags};
use crate::ConfigError;
use crate::value::{self, ValueError};

/// Longest time of an order that a request brings: two minutes less than what Cloud Run allows.
const LONGEST_PUSHED: Duration = Duration::from_mins(58);

/// Flags of whoever carries out orders, however they come.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct WorkerFlags {
    /// Folder for scratch files; emptied at the start
    #[arg(long, value_name = "DIR")]
    pub workdir: PathBuf,
    /// Folder of the markers of cancelled jobs, a path or gs:// or s3:// URI
    #[arg(long, value_name = "URI")]
    pub cancelled_jobs: String,
    /// Root of the managed files, a path or gs:// or s3:// URI; orders whose file is not below it are refused
    #[arg(long, value_name = "URI")]
    pub ingestion_storage: Option<String>,
    /// Runs of an order after its first one failed temporarily
    #[arg(long, default_value = "1", value_parser = value::integer::<u32>, value_name = "INT")]
    pub retry_count: u32,
    /// Records processed in parallel; below 1 counts as 1
    #[arg(long, default_value = "1", value_parser = value::integer::<i64>, value_name = "INT")]
    pub workers: i64,
    /// Deprecated: with a budget of 0, whether local copies are unlimited (true) or not made (false)
    #[arg(long = "local-download", default_value = "true", action = ArgAction::SetTrue)]
    pub local_download: bool,
    /// Budget of local copies in MiB
    #[arg(long = "local-download-max-mb", default_value = "0", value_parser = value::integer::<u64>, value_name = "INT")]
    pub local_download_max_mb: u64,
    /// Google Cloud project of Pub/Sub and of secrets
    #[arg(long, alias = "project", value_name = "PROJECT")]
    pub ps_project: Option<String>,
    /// Level of ZSTD of the lossless preset, 1 to 22
    #[arg(long = "zstd-level", default_value = "1", value_parser = zstd_level, value_name = "INT")]
    pub zstd_level: u8,
    /// Longest time of one order [default: 58m; none with --pull]
    #[arg(long = "max-task-duration", value_parser = value::duration, value_name = "DURATION")]
    pub max_task_duration: Option<Duration>,
    /// Orders carried out at the same time
    #[arg(long = "max-concurrent-tasks", default_value = "1", value_parser = tasks, value_name = "INT")]
    pub max_concurrent_tasks: usize,
    /// How long an order that runs elsewhere, or finds no free place, may wait here for its turn, at most 9m
    #[arg(long = "busy-hold", default_value = "0", value_parser = busy_hold, value_name = "DURATION")]
    pub busy_hold: Duration,
    /// Scratch space in MiB [default: nine tenths of what is free below workdir]
    #[arg(long = "scratch-max-mb", value_parser = value::integer::<u64>, value_name = "INT")]
    pub scratch_max_mb: Option<u64>,
    /// The database of leases.
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// The queue of events and orders.
    #[command(flatten)]
    pub messaging: MessagingFlags,
    /// Files that orders may name.
    #[command(flatten)]
    pub paths: PathFlags,
    /// Raster reading.
    #[command(flatten)]
    pub gdal: GdalFlags,
}

impl WorkerFlags {
    /// The database of leases: that of the database flags, else that of the embedded queue.
    ///
    /// # Errors
    /// When neither is given, or what is given is incomplete.
    pub fn connection(&self) -> Result<Connection, ConfigError> {
        if self.database.is_given() {
            return self.database.connection(self.ps_project.as_deref());
        }
        match self.messaging()? {
            Messaging::Embedded { url: Some(url), .. } => Ok(Connection::Url(url)),
            Messaging::Embedded { url: None, .. } | Messaging::PubSub { .. } => {
                Err(ConfigError::Missing {
                    flags: "--dbConnection",
                    reason: "leases need a database: --dbConnection, or --dbName, --dbUser, --dbHost with --dbPassword or \
                         --dbSecretName, or --pgqConnection",
                })
            }
        }
    }

    /// The queue to use.
    ///
    /// # Errors
    /// When its database is no URL of Postgres.
    pub fn messaging(&self) -> Result<Messaging, ConfigError> {
        self.messaging.choose(self.ps_project.as_deref())
    }

    /// Longest time of one order: that of the request that brings it bounds it, where one does.
    pub fn max_task_duration(&self, pulled: bool) -> Option<Duration> {
        let default = (!pulled).then_some(LONGEST_PUSHED);
        self.max_task_duration.or(default)
    }

    /// Records processed in parallel.
    pub fn parallel_records(&self) -> usize {
        usize::try_from(self.workers).unwrap_or(1).max(1)
    }

    /// Budget of local copies in bytes: `None` without limit, 0 to make none.
    pub fn local_copies_bytes(&self) -> Option<u64> {
        match (self.local_download_max_mb, self.local_download) {
            (0, true) => None,
            (mebibytes, _) => Some(mebibytes.saturating_mul(1 << 20)),
        }
    }
}

fn zstd_level(text: &str) -> Result<u8, ValueError> {
    let level = value::integer(text)?;
    if (1..=22).contains(&level) {
        Ok(level)
    } else {
        Err(ValueError::new("an integer from 1 to 22"))
    }
}

fn tasks(text: &str) -> Result<usize, ValueError> {
    let tasks = value::integer(text)?;
    if (1..=1024).contains(&tasks) {
        Ok(tasks)
    } else {
        Err(ValueError::new("an integer from 1 to 1024"))
    }
}

fn busy_hold(text: &str) -> Result<Duration, ValueError> {
    let hold = value::duration(text)?;
    if hold <= Duration::from_mins(9) {
        Ok(hold)
    } else {
        Err(ValueError::new("a duration up to 9m"))
    }
}
