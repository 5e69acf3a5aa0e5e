//! `geocube migrate`.

mod check;
mod files;

use anyhow::Context;
use clap::Args;
use database::migrate::{self, Repair, StaleLock};
use runtime::config::{DatabaseFlags, PathFlags};
use runtime::secret;

use crate::screen;

/// Flags of `geocube migrate`.
#[derive(Debug, Args)]
#[command(rename_all = "camelCase")]
pub struct Flags {
    /// Change nothing: say whether the database can be brought up to date, and what in it needs attention
    #[arg(long, conflicts_with = "repair")]
    pub check: bool,
    /// Afterwards release the datasets that are locked by jobs that are DONE or FAILED
    #[arg(long)]
    pub repair: bool,
    /// For --check: root of the managed files, as given to the API server
    #[arg(long, value_name = "URI")]
    pub ingestion_storage: Option<String>,
    /// The database to bring up to date.
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// Google Cloud project of dbSecretName
    #[arg(long)]
    pub project: Option<String>,
    /// For --check: the files that may be read and managed, as given to the API server.
    #[command(flatten)]
    pub paths: PathFlags,
}

/// Brings the database to the schema of this program, or only looks at it.
///
/// # Errors
/// When the database cannot be reached, or is not one that can be adopted; with `--check` also when
/// something needs attention.
pub async fn run(flags: &Flags) -> anyhow::Result<()> {
    let login = secret::login(flags.database.connection(flags.project.as_deref())?).await?;
    let options = app::connect_options(&login)?;
    if flags.check {
        return check::run(&options, flags).await;
    }
    migrate::run_with(&options)
        .await
        .context("the database was not brought up to date")?;
    screen::note(&format!(
        "the database is at version {} of the schema",
        migrate::latest()
    ));
    let mut connection = migrate::connect(&options).await?;
    if flags.repair {
        tell(&migrate::repair(&mut connection).await?);
        return Ok(());
    }
    for lock in migrate::stale_locks(&mut connection).await? {
        screen::note(&format!(
            "warning: {}; `geocube migrate --repair` releases them",
            held(&lock)
        ));
    }
    Ok(())
}

fn tell(repair: &Repair) {
    for lock in &repair.released {
        screen::result(&format!("released: {}", held(lock)));
    }
    screen::result(&format!(
        "{} row(s) of datasets corrected",
        repair.corrected
    ));
    for id in &repair.hidden {
        screen::result(&format!("still to be deleted, held by no job: {id}"));
    }
}

fn held(lock: &StaleLock) -> String {
    let StaleLock {
        job,
        name,
        state,
        datasets,
    } = lock;
    format!("{datasets} dataset(s) are locked by the job {name} ({job}), which is {state}")
}
