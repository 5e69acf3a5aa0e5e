//! `geocube migrate`.

use anyhow::Context;
use clap::Args;
use runtime::config::DatabaseFlags;
use runtime::secret;

use crate::screen;

/// Flags of `geocube migrate`.
#[derive(Debug, Args)]
pub struct Flags {
    /// The database to bring up to date.
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// Google Cloud project of dbSecretName
    #[arg(long)]
    pub project: Option<String>,
}

/// Brings the database to the schema of this program.
///
/// # Errors
/// When the database cannot be reached, or is not one that can be adopted.
pub async fn run(flags: &Flags) -> anyhow::Result<()> {
    let login = secret::login(flags.database.connection(flags.project.as_deref())?).await?;
    database::migrate::run_with(app::connect_options(&login)?)
        .await
        .context("the database was not brought up to date")?;
    screen::note(&format!(
        "the database is at version {} of the schema",
        database::migrate::latest()
    ));
    Ok(())
}
