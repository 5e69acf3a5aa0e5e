//! From flags to the settings of the service.

use crate::config::Config;
use anyhow::Context;
use app::{Limits, Options, PathPolicy};
use domain::Uri;
use runtime::config::{BoundFlags, Messaging};
use std::time::Duration;

/// The settings that the flags ask for.
///
/// # Errors
/// When a path or URI among them cannot be read; the flag is named.
pub fn options(config: &Config) -> anyhow::Result<Options> {
    let (events_queue, orders_queue) = match config.messaging()? {
        Messaging::Embedded {
            url: _,
            events,
            consolidations,
        } => (events, consolidations),
        // without orders consolidation is off, and nothing is ever sent there
        Messaging::PubSub {
            project: _,
            events,
            consolidations,
        } => (events, consolidations.unwrap_or_default()),
    };
    let optional =
        |flag, text: &Option<String>| text.as_ref().map(|text| uri(flag, text)).transpose();
    let ingestion_storage = optional("--ingestionStorage", &config.ingestion_storage)?;
    let cancelled_jobs = optional("--cancelledJobs", &config.cancelled_jobs)?;
    Ok(Options {
        limits: limits(&config.bounds, config.cubes.duration()),
        paths: paths(config)?,
        workers: config.cubes.parallel_slices(),
        ingestion_storage,
        cancelled_jobs,
        events_queue,
        orders_queue,
        tidy_min_age: config.tidy_min_age,
    })
}

/// The URI of a flag.
pub(crate) fn uri(flag: &str, text: &str) -> anyhow::Result<Uri> {
    Uri::parse(text).with_context(|| format!("invalid {flag}"))
}

fn limits(bounds: &BoundFlags, cube_duration: Duration) -> Limits {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Limits {
        records_per_request: count(bounds.requests.max_records),
        ids_per_request: count(bounds.requests.max_records),
        tags: count(bounds.max_tags),
        datasets: u32::try_from(bounds.max_page_size).unwrap_or(u32::MAX),
        slices: count(bounds.requests.max_slices),
        slice_samples: bounds.requests.max_pixels,
        aoi_vertices: count(bounds.max_aoi_vertices),
        grid_cells: count(bounds.max_grid_cells),
        tile_datasets: u32::try_from(bounds.max_tile_datasets).unwrap_or(u32::MAX),
        cube_duration,
    }
}

fn paths(config: &Config) -> anyhow::Result<PathPolicy> {
    let ingestion = config.ingestion_storage.as_deref();
    let files = config.paths.readable_files(ingestion);
    let mut policy = PathPolicy::reading(files)
        .context("invalid --allowedPaths")?
        .with_subdirs(config.paths.subdataset_prefixes())
        .context("invalid --allowedSubdirs")?;
    for root in config.paths.managed_roots(ingestion) {
        policy.managed.push(uri("--managedPaths", &root)?);
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::options;
    use crate::config::Config;
    use std::time::Duration;

    fn read(args: &[&str]) -> anyhow::Result<app::Options> {
        let all = [
            "geocube-apiserver",
            "--dbConnection=postgresql://u:p@localhost/geocube",
        ];
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
        let limits = read(&[
            "--maxRecords=1",
            "--maxSlices=2",
            "--maxPixels=3",
            "--maxGridCells=4",
            "--maxAoiVertices=5",
            "--maxPageSize=6",
            "--maxTileDatasets=7",
            "--maxTags=9",
            "--maxConnectionAge=8",
        ]);
        let limits = limits.unwrap().limits;
        assert_eq!(
            (
                limits.records_per_request,
                limits.ids_per_request,
                limits.slices
            ),
            (1, 1, 2)
        );
        assert_eq!(
            (limits.slice_samples, limits.grid_cells, limits.aoi_vertices),
            (3, 4, 5)
        );
        assert_eq!(
            (limits.datasets, limits.tile_datasets, limits.tags),
            (6, 7, 9)
        );
        assert_eq!(limits.cube_duration, Duration::from_secs(8));
    }

    #[test]
    fn the_ingestion_storage_may_be_read_and_managed() {
        let options = read(&[
            "--ingestionStorage=/data",
            "--cancelledJobs=/c",
            "--allowedPaths=/a,/b",
        ])
        .unwrap();
        assert_eq!(
            options.paths.allowed,
            ["/data", "/a", "/b"].map(std::path::PathBuf::from)
        );
        assert_eq!(options.paths.managed.len(), 1);
        assert_eq!(options.events_queue, "events");
        assert_eq!(options.orders_queue, "consolidations");
        assert!(!options.paths.all_local && read(&["-local"]).unwrap().paths.all_local);
    }

    #[test]
    fn managed_paths_are_owned_and_reached_besides_the_ingestion_storage() {
        let flags = [
            "--ingestionStorage=/data",
            "--cancelledJobs=/c",
            "--managedPaths=/m,gs://bucket/owned",
        ];
        let paths = read(&flags).unwrap().paths;
        for (file, managed) in [
            ("/data/a.tif", true),
            ("/m/a.tif", true),
            ("/m2/a.tif", false),
            ("gs://bucket/owned/a.tif", true),
            ("gs://bucket/other/a.tif", false),
            ("s3://bucket/owned/a.tif", false),
        ] {
            let uri = domain::Uri::parse(file).unwrap();
            assert_eq!(paths.may_manage(&uri), managed, "{file}");
        }
        let below = |roots: &[&str]| {
            storage::AllowedRoots::Below(roots.iter().map(std::path::PathBuf::from).collect())
        };
        let marked = domain::Uri::parse("/c").unwrap();
        let roots = paths.local_roots(Some(&marked));
        let readable = below(&["/data", "/data", "/m"]);
        assert_eq!(roots.readable, readable);
        assert_eq!(roots.writable, below(&["/data", "/m", "/c"]));
        // neither by the flag for reading
        let more = [&flags[..], &["-local"]].concat();
        let roots = read(&more).unwrap().paths.local_roots(None);
        assert_eq!(roots.readable, storage::AllowedRoots::All);
        assert_eq!(roots.writable, below(&["/data", "/m"]));
        // what is owned is deleted, not read for a caller
        assert_eq!(paths.allowed, [std::path::PathBuf::from("/data")]);
    }

    #[test]
    fn paths_that_cannot_be_read_name_their_flag() {
        for (flag, value) in [
            ("--ingestionStorage", "relative/path"),
            ("--cancelledJobs", "http://host/path"),
            ("--allowedPaths", "/a,b"),
            ("--managedPaths", "/a/../b"),
            ("--allowedSubdirs", "GTIFF_RAW,HDF5"),
        ] {
            let error = read(&[&format!("{flag}={value}")]).unwrap_err().to_string();
            assert_eq!(error, format!("invalid {flag}"));
        }
    }
}
