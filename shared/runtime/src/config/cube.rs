//! How cubes are built and how long they may take.

use std::time::Duration;

use clap::Args;

use crate::value;

/// What 0 stands for as age.
const DEFAULT_AGE: Duration = Duration::from_mins(15);
/// Stands for no limit, and can be added to any clock.
const LONGEST_AGE: Duration = Duration::from_hours(24 * 365);
/// Least age of a connection.
const SHORTEST_CONNECTION: Duration = Duration::from_mins(1);

/// Flags of the servers of cubes.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct CubeFlags {
    /// Seconds that one answer of a cube may take, and age at which a connection takes no further request; 0 or less stands for 900
    #[arg(long, default_value = "900", value_parser = value::integer::<i64>, value_name = "INT")]
    pub max_connection_age: i64,
    /// Slices of one cube made in parallel; below 1 counts as 1
    #[arg(long, default_value = "1", value_parser = value::integer::<i64>, value_name = "INT")]
    pub workers: i64,
}

impl CubeFlags {
    /// How long one answer of a cube may take. Command lines of v0.2 gave 0 for the default.
    pub fn duration(&self) -> Duration {
        match u64::try_from(self.max_connection_age) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds).min(LONGEST_AGE),
            Ok(_) | Err(_) => DEFAULT_AGE,
        }
    }

    /// Age at which a connection takes no further request: a short limit of cubes is no reason to
    /// connect all the time.
    pub fn connection_age(&self) -> Duration {
        self.duration().max(SHORTEST_CONNECTION)
    }

    /// Slices of one cube made in parallel.
    pub fn parallel_slices(&self) -> usize {
        usize::try_from(self.workers).unwrap_or(1).max(1)
    }
}
