//! The flags of the consolidater.

use std::net::IpAddr;

use clap::Parser;
use runtime::ConfigError;
use runtime::config::{Messaging, PushAuthFlags, TokenFlags, WorkerFlags};
use runtime::value;

/// Carries out consolidation orders: each becomes one file.
///
/// Every flag can also be given as environment variable: --max-task-duration as `GEOCUBE_MAX_TASK_DURATION`.
#[derive(Debug, Clone, Parser)]
#[command(name = "geocube-consolidater", version, rename_all = "camelCase")]
pub struct Config {
    /// Listening address
    #[arg(long, default_value = "0.0.0.0", value_name = "IP")]
    pub host: IpAddr,
    /// Listening port of POST /push and health, not used with --pull [env also: PORT]
    #[arg(long, default_value = "8080", value_parser = value::integer::<u16>)]
    pub port: u16,
    /// Pull orders instead of listening for them
    #[arg(long)]
    pub pull: bool,
    /// Listening port of `/termination_cost` and health with --pull
    #[arg(long = "pull-port", default_value = "9000", value_parser = value::integer::<u16>)]
    pub pull_port: u16,
    /// How orders are carried out.
    #[command(flatten)]
    pub worker: WorkerFlags,
    /// OIDC tokens of pushes.
    #[command(flatten)]
    pub push_auth: PushAuthFlags,
    /// Bearer tokens; of these, the push route takes that of events.
    #[command(flatten)]
    pub tokens: TokenFlags,
}

impl Config {
    /// Checks what flags mean together, so that a start fails before anything is touched.
    ///
    /// # Errors
    /// The first combination that cannot work, with its flags named.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let worker = &self.worker;
        worker.connection()?;
        self.push_auth.audience()?;
        let messaging = worker.messaging()?;
        // Without any queue the project could be meant for Pub/Sub or, when they lie in a secret, for the credentials.
        let pubsub_is_meant = match messaging {
            Messaging::PubSub { .. } => true,
            Messaging::Embedded { url: Some(_), .. } => false,
            Messaging::Embedded { url: None, .. } => {
                worker.ps_project.is_some()
                    && worker.database.db_secret_name.is_none()
                    && self.tokens.ba_secret_name.is_none()
            }
        };
        if self.pull && pubsub_is_meant && worker.messaging.consolidations_queue.is_none() {
            return Err(ConfigError::Missing {
                flags: "--consolidationsQueue",
                reason: "--pull on Pub/Sub needs the subscription of orders",
            });
        }
        if self.tokens.ba_secret_name.is_some() && worker.ps_project.is_none() {
            return Err(ConfigError::Missing {
                flags: "--psProject",
                reason: "--baSecretName names a secret of a project",
            });
        }
        self.tokens.secret(worker.ps_project.as_deref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
