use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use domain::{DatasetSource, Resampling, Uri};

use crate::{Target, remote, source::Source, warp};

/// Fetches what some datasets need of object stores to be merged on a target, so that merging them soon afterwards
/// waits for nothing: first the beginnings of all files at the same time, then all their blocks, those of all datasets
/// of a file planned together.
///
/// Nothing is kept but the blocks in the memory of the store; what does not fit there, what GDAL alone can read, and
/// what fails, is left to the merge. To be called on a thread that may block, with the datasets of at most
/// [`most_files`] remote files.
pub fn prefetch<'a>(
    sources: impl Iterator<Item = &'a DatasetSource> + Clone,
    target: &Target,
    kernel: Resampling,
    cancel: &dyn Fn() -> bool,
) {
    let sources = sources.filter(|source| source.uri.is_remote());
    let uris: BTreeSet<&Uri> = sources.clone().map(|source| &source.uri).collect();
    remote::begin_blocking(uris.into_iter().cloned().collect());
    let mut wanted = HashMap::new();
    let mut left = remote::most_bytes();
    for source in sources.filter(|source| !remote::is_one_block(&source.uri)) {
        if cancel() || left == 0 {
            break;
        }
        let Ok(source) = Source::open(source) else {
            continue;
        };
        let windows = warp::windows(&source, target, kernel).unwrap_or_default();
        for (overview, window) in windows {
            let Some((file, ranges)) = source.remote_ranges(overview, window) else {
                continue;
            };
            let bytes = ranges.iter().map(|range| range.end - range.start).sum();
            left = left.saturating_sub(bytes);
            match wanted.entry((file.uri().clone(), file.version().to_owned())) {
                Entry::Vacant(entry) => _ = entry.insert((file, ranges)),
                Entry::Occupied(mut entry) => entry.get_mut().1.extend(ranges),
            }
        }
    }
    if !cancel() {
        remote::fetch(wanted.into_values().collect());
    }
}

/// Remote files that [`prefetch`] takes at the same time: the memory of the store holds their beginnings.
pub fn most_files() -> usize {
    remote::most_beginnings()
}
