//! `geocube migrate`.

use anyhow::Context;
use clap::Args;
use runtime::ExposeSecret;
use runtime::config::DatabaseFlags;

use crate::screen;

/// Flags of `geocube migrate`.
#[derive(Debug, Args)]
pub struct Flags {
    /// The database to bring up to date.
    #[command(flatten)]
    pub database: DatabaseFlags,
}

/// Brings the database to the schema of this program.
///
/// # Errors
/// When the database cannot be reached, or is not one that can be adopted.
pub async fn run(flags: &Flags) -> anyhow::Result<()> {
    let url = flags.database.connection_url()?;
    database::migrate::run(url.expose_secret())
        .await
        .context("the database was not brought up to date")?;
    screen::note(&format!(
        "the database is at version {} of the schema",
        database::migrate::latest()
    ));
    Ok(())
}
