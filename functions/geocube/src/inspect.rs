//! `geocube inspect`: how a COG or `MuCOG` is made.

mod describe;
mod header;
mod table;

use std::path::Path;

use anyhow::Context;
use clap::Args;
use domain::Uri;
use runtime::config::StoreFlags;
use storage::{AllowedRoots, LocalRoots};

use crate::screen;

/// Flags of `geocube inspect`.
#[derive(Debug, Args)]
pub struct Flags {
    /// The file: a path, or an address that begins with file:///, gs:// or s3://
    #[arg(value_name = "FILE")]
    file: String,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// List every record, however many there are
    #[arg(long)]
    all: bool,
    /// Where object stores are
    #[command(flatten)]
    stores: StoreFlags,
}

/// Prints what the directories of a file say.
pub async fn run(flags: &Flags) -> anyhow::Result<()> {
    let uri = uri(&flags.file)?;
    let roots = LocalRoots::reading(AllowedRoots::All);
    let storage = app::open_stores(roots, &flags.stores, &[&uri]).await?;
    let (file, bytes) = header::read(&storage, &uri)
        .await
        .with_context(|| format!("cannot inspect {}", flags.file))?;
    let summary = cog::inspect(&file, bytes);
    if flags.json {
        screen::result(&serde_json::to_string_pretty(&summary)?);
        return Ok(());
    }
    for line in describe::lines(&flags.file, &summary, flags.all) {
        screen::result(&line);
    }
    Ok(())
}

/// Paths of people are relative; addresses have a scheme.
fn uri(file: &str) -> anyhow::Result<Uri> {
    if file.contains("://") {
        return Ok(Uri::parse(file)?);
    }
    let path = Path::new(file);
    let absolute = path
        .canonicalize()
        .with_context(|| format!("cannot inspect {file}"))?;
    let text = absolute.to_str();
    Ok(Uri::parse(
        text.context("the path of the file is not in UTF-8")?,
    )?)
}
