//! geocube consolidater
mod config;

fn main() -> anyhow::Result<()> {
    runtime::start::<config::Config>().validate()?;
    Ok(())
}
