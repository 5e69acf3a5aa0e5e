//! What flags ask for and this build cannot do: the start fails rather than doing something else.

use crate::config::Config;

/// Refuses flags whose feature is missing.
///
/// # Errors
/// Names the first such flag.
pub fn not_built_in(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        !config.gdal.with_gcs,
        "--with-gcs: Google Cloud Storage is not built in yet"
    );
    anyhow::ensure!(!config.gdal.with_s3, "--with-s3: S3 is not built in yet");
    Ok(())
}
