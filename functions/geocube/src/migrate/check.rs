//! `geocube migrate --check`.

use anyhow::bail;
use database::PgConnectOptions;
use database::migrate::{self, Finding};

use super::{Flags, files};
use crate::screen;

/// Tells what is in the way of an upgrade, and what in the catalogue needs attention.
///
/// # Errors
/// When there is anything to tell.
pub async fn run(options: &PgConnectOptions, flags: &Flags) -> anyhow::Result<()> {
    let policy = files::policy(flags)?;
    let mut connection = migrate::connect(options).await?;
    migrate::can_run(&mut connection).await?;
    if !migrate::is_catalogue(&mut connection).await? {
        screen::result("the database holds no catalogue yet: `geocube migrate` makes one");
        return Ok(());
    }
    let findings = migrate::survey(&mut connection).await?;
    findings.iter().for_each(tell);
    let count = findings.len() + files::check(&mut connection, &policy).await?;
    if count > 0 {
        bail!("{count} finding(s); none of them keeps `geocube migrate` from working");
    }
    screen::result("nothing needs attention");
    Ok(())
}

fn tell(finding: &Finding) {
    screen::result(&format!("{}: {}", finding.what, finding.count));
    for example in &finding.examples {
        screen::result(&format!("  {example}"));
    }
}
