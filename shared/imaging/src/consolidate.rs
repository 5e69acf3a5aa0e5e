mod encoded;
mod library;
mod mask;
mod options;
mod overviews;
mod plan;
mod pyramid;
mod record;
mod reuse;
mod spec;
mod spill;
mod strips;
mod template;
#[cfg(test)]
mod tests;
mod thread_options;
mod tiles;

use crate::{Error, Result, mosaic::Mosaic};
use cog::{InterlacingPattern, Offsets, assemble_cog, assemble_mucog};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use encoded::{Encoded, Tiles};
use plan::Plan;
pub use spec::{ConsolidateSpec, RecordSources, Summary};
use spill::Spill;
use tiles::Job;

/// Merges every record into tiles with overviews and writes them all to one file, `out`: a cloud-optimised `GeoTIFF`
/// for one record, a multi-dataset one for several. A record whose only dataset is a local file that is exactly
/// what would be made is not made again: its tiles are copied.
///
/// Encoded tiles wait in one scratch file in `workdir`, which must exist, until the order of the result asks for
/// them; a large record in a codec that only GDAL writes has a file of its own there meanwhile. Nothing of it stays.
/// `out` is overwritten, and removed when that fails. `workers` records are worked at the same time; their tiles
/// are encoded by as many threads as there are processors. Memory does not grow with the number of records, but for a
/// table of their tiles. `cancel` is asked between sources, strips and tiles, by several threads. To be called on a thread that may block.
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
    let pattern = InterlacingPattern::parse(&spec.interlacing_pattern)
        .map_err(|error| domain::Error::invalid(error.to_string()))?;
    let folder = WorkFolder::create(workdir)?;
    let work = Work {
        spec,
        plan: Plan::of(spec)?.map(Arc::new),
        folder: &folder.0,
        spill: Arc::new(Spill::create(&folder.0)?),
        cancel,
        failed: AtomicBool::new(false),
    };
    let encoded = work.encode_all(workers)?;
    if cancel() {
        return Err(Error::Cancelled);
    }
    let empty_records = encoded.iter().filter(|record| !record.any_valid).count();
    let result = assemble(spec, encoded, &work.spill, &pattern, out);
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

/// Bytes that are gathered before they are written; larger tiles are written as they are.
const BUFFER_BYTES: usize = 64 << 10;

/// What all the threads of a call share.
struct Work<'a> {
    spec: &'a ConsolidateSpec,
    /// How to encode tiles; `None` where only GDAL can.
    plan: Option<Arc<Plan>>,
    folder: &'a Path,
    spill: Arc<Spill>,
    cancel: &'a (dyn Fn() -> bool + Sync),
    failed: AtomicBool,
}

/// Results of the records that are done, and failures of the encoders.
type Results = Mutex<Vec<(usize, Result<Encoded>)>>;

impl Work<'_> {
    /// Encodes every record, several at a time; in the order of the records.
    fn encode_all(&self, workers: usize) -> Result<Vec<Encoded>> {
        let encoders = match self.plan {
            Some(_) => thread::available_parallelism().map_or(1, usize::from),
            None => 0,
        };
        let (sender, receiver) = sync_channel(2 * encoders);
        let jobs = Arc::new(Mutex::new(receiver));
        let (next, results) = (AtomicUsize::new(0), Results::default());
        thread::scope(|scope| {
            for _ in 0..encoders {
                let (jobs, results) = (Arc::clone(&jobs), &results);
                scope.spawn(move || self.encode_tiles(&jobs, results));
            }
            // without encoders there is nobody to wait for
            drop(jobs);
            for _ in 1..workers.min(self.spec.records.len()) {
                let sender = sender.clone();
                let (next, results) = (&next, &results);
                scope.spawn(move || self.make_records(next, &sender, results));
            }
            self.make_records(&next, &sender, &results);
            drop(sender);
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

    fn is_stopped(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || (self.cancel)()
    }

    fn add(&self, results: &Results, index: usize, result: Result<Encoded>) {
        self.failed.fetch_or(result.is_err(), Ordering::Relaxed);
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.push((index, result));
    }

    /// Makes one record after the other, as long as there are any.
    fn make_records(&self, next: &AtomicUsize, sender: &SyncSender<Job>, results: &Results) {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(record) = self.spec.records.get(index) else {
                return;
            };
            if self.failed.load(Ordering::Relaxed) {
                return;
            }
            let result = self.make_record(record, sender);
            self.add(results, index, result);
        }
    }

    fn make_record(&self, record: &RecordSources, sender: &SyncSender<Job>) -> Result<Encoded> {
        let (spec, stop) = (self.spec, || self.is_stopped());
        let mapping = spec.output_mapping();
        let mosaic = open(spec, record, &mapping)?;
        if let Some(mosaic) = &mosaic
            && let Some(found) = mosaic
                .single()
                .and_then(|source| reuse::find(spec, record, source))
        {
            let any_valid = strips::any_valid(spec, mosaic, &stop)?;
            return Ok(Encoded {
                tiles: Tiles::Reused(found),
                any_valid,
            });
        }
        let sink = |job| sender.send(job).is_ok();
        let mosaic = mosaic.as_ref();
        let (tiles, any_valid) = if let Some(plan) = &self.plan {
            let (places, any_valid) = record::make(spec, plan, mosaic, &sink, &stop)?;
            (Tiles::Made(places), any_valid)
        } else {
            let (record, any_valid) =
                library::write(spec, mosaic, self.folder, &self.spill, &stop)?;
            (Tiles::ByLibrary(record), any_valid)
        };
        Ok(Encoded { tiles, any_valid })
    }

    /// Encodes tiles until no record is in work any more. After a failure they are only taken, so that nobody waits.
    fn encode_tiles(&self, jobs: &Mutex<Receiver<Job>>, results: &Results) {
        let mut worker = tiles::Worker::new(&self.spill);
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            if self.is_stopped() {
                continue;
            }
            if let Err(error) = worker.encode(&job) {
                self.add(results, usize::MAX, Err(error));
            }
        }
    }
}

/// The opened datasets of a record; nothing where there are none.
fn open<'a>(
    spec: &ConsolidateSpec,
    record: &'a RecordSources,
    mapping: &'a domain::DataMapping,
) -> Result<Option<Mosaic<'a>>> {
    if record.sources.is_empty() {
        return Ok(None);
    }
    let mut mosaic = Mosaic::plan(&record.sources, mapping, spec.resampling)?;
    let domain::Validity { alpha, mask } = spec.validity();
    if !(alpha || mask) {
        mosaic = mosaic.on_ground();
    }
    mosaic.open()?;
    Ok(Some(mosaic))
}

/// Name of the image of a record in its file.
fn document_name(record: &RecordSources) -> String {
    format!("cog_tiff_{}", record.id)
}

fn assemble(
    spec: &ConsolidateSpec,
    encoded: Vec<Encoded>,
    spill: &Arc<Spill>,
    pattern: &InterlacingPattern,
    out: &Path,
) -> Result<u64> {
    let mut sources = Vec::with_capacity(encoded.len());
    for (encoded, record) in encoded.into_iter().zip(&spec.records) {
        let source = encoded.tiles.into_source(spill, document_name(record));
        sources.push(source.map_err(|source| assembling(out, source))?);
    }
    let file = File::create(out).map_err(|source| io("creating", out, source))?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
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
