//! From flags to the settings of the service.

use crate::config::Config;
use anyhow::Context;
use app::{DownloadOptions, Limits, PathPolicy};
use domain::Uri;
use std::path::PathBuf;

/// The settings that the flags ask for.
///
/// # Errors
/// When a path among them cannot be read; the flag is named.
pub fn options(config: &Config) -> anyhow::Result<DownloadOptions> {
    let files = config.paths.readable_files(None);
    let paths = PathPolicy::reading(files)
        .context("invalid --allowedPaths")?
        .with_subdirs(config.paths.subdataset_prefixes())
        .context("invalid --allowedSubdirs")?;
    Ok(DownloadOptions {
        limits: limits(config),
        paths,
        workers: config.cubes.parallel_slices(),
        part_bytes: config.chunk_size,
        workdir: workdir(config)?,
        copied_bytes: config.predownload_max_size,
    })
}

fn limits(config: &Config) -> Limits {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let bounds = &config.bounds;
    Limits {
        records_per_request: count(bounds.max_records),
        slices: count(bounds.max_slices),
        slice_samples: bounds.max_pixels,
        cube_duration: config.cubes.duration(),
        ..Limits::default()
    }
}

fn workdir(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = config.workdir.clone().unwrap_or_else(std::env::temp_dir);
    let absolute = std::path::absolute(folder).context("invalid --workdir")?;
    let text = absolute
        .to_str()
        .context("invalid --workdir: expected a path in UTF-8")?;
    Uri::parse(text).context("invalid --workdir")?;
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::options;
    use crate::config::Config;

    fn read(args: &[&str]) -> anyhow::Result<app::DownloadOptions> {
        let all = ["geocube-downloader"];
        let parsed =
            runtime::parse::<Config>(all.iter().chain(args), &runtime::Environment::default());
        options(
            &parsed
                .map_err(|exit| anyhow::anyhow!(exit.to_string()))?
                .flags,
        )
    }

    #[test]
    fn bounds_become_limits() {
        let options = read(&[
            "--maxRecords=1",
            "--maxSlices=2",
            "--maxPixels=3",
            "--maxConnectionAge=8",
            "--chunk-size=9",
            "--predownload-max-size=4MiB",
        ])
        .unwrap();
        let limits = options.limits;
        assert_eq!(
            (
                limits.records_per_request,
                limits.slices,
                limits.slice_samples
            ),
            (1, 2, 3)
        );
        assert_eq!(limits.cube_duration.as_secs(), 8);
        assert_eq!((options.part_bytes, options.copied_bytes), (9, 4 << 20));
    }

    #[test]
    fn no_local_file_is_open_by_default() {
        let open = |args: &[&str]| read(args).unwrap().paths;
        assert!(open(&[]).allowed.is_empty() && !open(&[]).all_local);
        assert_eq!(open(&["--allowedPaths=/a,/b"]).allowed.len(), 2);
        assert!(open(&["-local"]).all_local);
        assert!(read(&["--allowedPaths=a"]).is_err());
        assert!(read(&["--workdir=/a/../b"]).is_err());
        assert!(read(&["--allowedSubdirs=GTIFF_RAW"]).is_ok());
        assert!(read(&["--allowedSubdirs=HDF5"]).is_err());
    }
}
