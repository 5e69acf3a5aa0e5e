//! Files that orders may name.

use super::{StartError, uri};
use crate::PathPolicy;
use crate::worker::OrderFiles;
use runtime::config::WorkerFlags;

/// What the flags leave open to whoever can send an order, for the log.
pub fn unguarded(flags: &WorkerFlags) -> Option<&'static str> {
    if flags.ingestion_storage.is_some() {
        return None;
    }
    Some(if reads_everything(flags) && !flags.paths.local {
        "an order may read and overwrite any file: give --ingestionStorage and --allowedPaths, or --local, as to the API server"
    } else {
        "an order may overwrite any file: give --ingestionStorage, as to the API server"
    })
}

pub(super) fn files(flags: &WorkerFlags) -> Result<OrderFiles, StartError> {
    let root = flags.ingestion_storage.as_ref();
    Ok(OrderFiles {
        target_root: root
            .map(|text| uri("--ingestionStorage", text))
            .transpose()?,
        sources: sources(flags)?,
    })
}

fn sources(flags: &WorkerFlags) -> Result<Option<PathPolicy>, StartError> {
    if reads_everything(flags) {
        return Ok(None);
    }
    let ingestion = flags.ingestion_storage.as_deref();
    let files = flags.paths.readable_files(ingestion);
    let invalid = |flag| {
        move |source: domain::Error| StartError::Flag {
            flag,
            source: source.into(),
        }
    };
    let policy = PathPolicy::reading(files).map_err(invalid("--allowedPaths"))?;
    let policy = policy.with_subdirs(flags.paths.subdataset_prefixes());
    policy.map(Some).map_err(invalid("--allowedSubdirs"))
}

/// Sources are checked once a flag says against what.
fn reads_everything(flags: &WorkerFlags) -> bool {
    let paths = &flags.paths;
    paths.local || (flags.ingestion_storage.is_none() && paths.allowed_paths.is_none())
}
