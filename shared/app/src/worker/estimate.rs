//! Scratch space that an order needs.

use super::run::Failed;
use domain::job::ConsolidationOrder;
use domain::{FileOptions, Validity};
use std::path::Path;

/// How an order is carried out within the scratch space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether its sources are copied first.
    pub copies: bool,
    /// Records in work at the same time.
    pub parallel: usize,
}

/// Scratch space in bytes: as given, else nine tenths of what is free below the folder of scratch files.
pub(super) fn available(given: Option<u64>, folder: &Path) -> Result<u64, Failed> {
    match given {
        Some(bytes) => Ok(bytes),
        None => free(folder).map_err(|error| {
            Failed::ForNow(format!(
                "the free space below {}: {error}",
                folder.display()
            ))
        }),
    }
}

fn free(folder: &Path) -> std::io::Result<u64> {
    let volume = rustix::fs::statvfs(folder)?;
    Ok(volume.f_bavail.saturating_mul(volume.f_frsize) / 10 * 9)
}

/// What fits of the wanted number of records in work and `copied` bytes of local copies: all of it, else no copies, else one
/// record in work without copies; an order that cannot fit at all is refused. Counted are the copies, the tiles of all
/// records with their overviews, the file made of them, and a file that GDAL writes per record in work, as some codecs
/// ask for; compression is not counted on.
pub(super) fn plan(
    order: &ConsolidationOrder,
    wanted: usize,
    available: u64,
    copied: u64,
) -> Result<Plan, Failed> {
    let wanted = wanted.max(1);
    let plans = [(true, wanted), (false, wanted), (false, 1)];
    let bytes = |copies: bool, parallel| {
        let copied = if copies { u128::from(copied) } else { 0 };
        needed(order, parallel) + copied
    };
    let fits = |(copies, parallel): &(bool, usize)| bytes(*copies, *parallel) <= available.into();
    if let Some((copies, parallel)) = plans.into_iter().find(fits) {
        return Ok(Plan { copies, parallel });
    }
    let needed = bytes(false, 1);
    Err(Failed::ForGood(format!(
        "insufficient scratch: {needed} bytes needed, {available} available"
    )))
}

/// Bytes needed with this many records in work at the same time.
fn needed(order: &ConsolidationOrder, parallel: usize) -> u128 {
    let container = &order.container;
    let pixels = u128::from(container.size.width) * u128::from(container.size.height);
    let (format, bands) = (&container.mapping.format, container.bands_count);
    let zstd_level = 1;
    let file = FileOptions::of(
        &container.creation_params,
        format.dtype,
        bands.into(),
        zstd_level,
    );
    let Validity { alpha, mask } = file.validity(format, bands.into());
    let samples = u128::from(bands) + u128::from(alpha);
    let raw = pixels * samples * format.dtype.size() as u128 + pixels * u128::from(mask) / 8;
    let tiled = if container.overviews_min_size == 0 {
        raw
    } else {
        raw + raw / 3
    };
    2 * tiled * order.records.len() as u128 + tiled * parallel as u128
}

#[cfg(test)]
mod tests;
