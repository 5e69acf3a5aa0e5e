mod joined;
mod mask;
mod options;
mod overviews;
mod record;
mod reuse;
mod spec;
mod thread_options;

use crate::{Error, Result};
use cog::{InterlacingPattern, Offsets, TiledSource, assemble_cog, assemble_mucog};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use joined::Joined;
use record::RecordFiles;
pub use spec::{ConsolidateSpec, RecordSources, Summary};

/// Merges every record into a tiled file with overviews and writes them all to `out`: a cloud-optimised `GeoTIFF`
/// for one record, a multi-dataset one for several. A record whose only dataset is a local file that is exactly
/// what would be made is not made again: its tiles are copied.
///
/// Temporary files are made in `workdir`, which must exist, and removed again; their names are unique for each
/// call. `out` is overwritten, and removed when the call fails. `workers` records are worked at the same time.
/// `cancel` is asked between sources and strips. To be called on a thread that may block.
///
/// # Errors
/// As [`crate::merge`] for the sources; [`domain::Error::Invalid`] for a pattern, a block size or creation options
/// that cannot be; [`Error::Assemble`] and [`Error::Io`] for what fails on the disk; [`Error::Cancelled`].
pub fn consolidate(
    spec: &ConsolidateSpec,
    workdir: &Path,
    out: &Path,
    workers: usize,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Summary> {
    spec.check()?;
    let spec = &ConsolidateSpec {
        creation_params: options::that_gdal_can_write(spec),
        ..spec.clone()
    };
    let pattern = InterlacingPattern::parse(&spec.interlacing_pattern)
        .map_err(|error| domain::Error::invalid(error.to_string()))?;
    let folder = WorkFolder::create(workdir)?;
    let encoded = encoded_records(spec, &folder, workers, cancel)?;
    if cancel() {
        return Err(Error::Cancelled);
    }
    let empty_records = encoded.iter().filter(|record| !record.any_valid).count();
    let result = assemble(spec, encoded, &pattern, out);
    if result.is_err() {
        // What was written so far is of no use; that it is absent already does not matter.
        let _absent = fs::remove_file(out);
    }
    let bytes = result?;
    Ok(Summary {
        bytes,
        empty_records,
        alpha: spec.validity().alpha,
    })
}

/// The tiles of one record.
struct Encoded {
    tiles: Tiles,
    /// Whether the record holds any valid pixel.
    any_valid: bool,
}

enum Tiles {
    /// In files of our own.
    Written(Vec<PathBuf>),
    /// In the file of the only dataset.
    Reused(TiledSource<Joined>),
}

fn encode(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    path: &Path,
    cancel: &dyn Fn() -> bool,
) -> Result<Encoded> {
    if let Some(tiles) = reuse::find(spec, record) {
        return Ok(Encoded {
            tiles: Tiles::Reused(tiles),
            any_valid: record::any_valid(spec, record, cancel)?,
        });
    }
    let RecordFiles { paths, any_valid } = record::write(spec, record, path, cancel)?;
    Ok(Encoded {
        tiles: Tiles::Written(paths),
        any_valid,
    })
}

/// Name of the image of a record in its file.
fn document_name(record: &RecordSources) -> String {
    format!("cog_tiff_{}", record.id)
}

/// Encodes every record, several at a time; in the order of the records.
fn encoded_records(
    spec: &ConsolidateSpec,
    folder: &WorkFolder,
    workers: usize,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Encoded>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Result<Encoded>)>> = Mutex::new(Vec::new());
    let work = || {
        let stop = || failed.load(Ordering::Relaxed) || cancel();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(record) = spec.records.get(index) else {
                return;
            };
            if failed.load(Ordering::Relaxed) {
                return;
            }
            let path = folder.0.join(format!("{index}.tif"));
            let result = encode(spec, record, &path, &stop);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((index, result));
        }
    };
    thread::scope(|scope| {
        let others = workers.clamp(1, spec.records.len().max(1)) - 1;
        for _ in 0..others {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The cause comes before those that were only stopped by it.
    let cancelled = |result: &Result<Encoded>| matches!(result, Err(Error::Cancelled));
    if let Some(cause) = results
        .iter()
        .position(|(_, result)| result.is_err() && !cancelled(result))
    {
        return results.swap_remove(cause).1.map(|_| Vec::new());
    }
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn assemble(
    spec: &ConsolidateSpec,
    encoded: Vec<Encoded>,
    pattern: &InterlacingPattern,
    out: &Path,
) -> Result<u64> {
    let mut sources = Vec::with_capacity(encoded.len());
    for (encoded, record) in encoded.into_iter().zip(&spec.records) {
        sources.push(match encoded.tiles {
            Tiles::Written(paths) => joined::open(&paths, document_name(record))?,
            Tiles::Reused(source) => source,
        });
    }
    let file = File::create(out).map_err(|source| io("creating", out, source))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    let bytes = match sources.as_slice() {
        [single] => assemble_cog(single, Offsets::Auto, &mut writer),
        several => assemble_mucog(several, pattern, Offsets::Auto, &mut writer),
    }
    .map_err(|source| assembling(out, source))?;
    writer
        .flush()
        .map_err(|source| io("writing", out, source))?;
    Ok(bytes)
}

fn assembling(path: &Path, source: cog::Error) -> Error {
    Error::Assemble {
        name: path.display().to_string(),
        source,
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action,
        path: path.display().to_string(),
        source,
    }
}

/// A folder of our own, removed with all it holds when it is dropped.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn create(parent: &Path) -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("consolidate-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                // Left by a process of the same number.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io("creating", &path, source)),
            }
        }
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "temporary files not removed");
        }
    }
}
