//! The settings of the function, which come from its environment.

use clap::Parser;
use runtime::ConfigError;
use runtime::config::{PushAuthFlags, TokenFlags, WorkerFlags};

/// Carries out consolidation orders that AWS hands to this function: each becomes one file.
///
/// Every flag can also be given as environment variable: --max-task-duration as `GEOCUBE_MAX_TASK_DURATION`.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "geocube-consolidater-lambda",
    version,
    rename_all = "camelCase"
)]
pub struct Config {
    /// How orders are carried out.
    #[command(flatten)]
    pub worker: WorkerFlags,
    /// OIDC tokens of pushes over HTTP.
    #[command(flatten)]
    pub push_auth: PushAuthFlags,
    /// Bearer tokens; of these, pushes over HTTP take that of events.
    #[command(flatten)]
    pub tokens: TokenFlags,
}

impl Config {
    /// Checks what flags mean together, so that a start fails before anything is touched.
    ///
    /// # Errors
    /// The first combination that cannot work, with its flags named.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.worker.connection()?;
        self.push_auth.audience()?;
        self.tokens.secret(self.worker.ps_project.as_deref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Config;
    use runtime::Environment;

    #[test]
    fn everything_can_come_from_the_environment() {
        let environment = Environment::from_iter([
            ("GEOCUBE_WORKDIR", "/tmp/geocube"),
            ("GEOCUBE_CANCELLED_JOBS", "s3://bucket/cancelled"),
            ("GEOCUBE_DB_CONNECTION", "postgresql://u:p@host/geocube"),
            ("GEOCUBE_INGESTION_STORAGE", "s3://bucket/data"),
            ("GEOCUBE_SCRATCH_MAX_MB", "8000"),
        ]);
        let parsed = runtime::parse::<Config>(["function"], &environment).unwrap();
        parsed.flags.validate().unwrap();
        assert_eq!(parsed.flags.worker.scratch_max_mb, Some(8000));
    }

    #[test]
    fn a_database_of_leases_is_needed() {
        let args = ["function", "--workdir=/tmp/geocube", "--cancelledJobs=/c"];
        let parsed = runtime::parse::<Config>(args, &Environment::default()).unwrap();
        let error = parsed.flags.validate().unwrap_err().to_string();
        assert!(error.contains("--dbConnection"), "{error}");
    }
}
