//! Scratch space that an order needs.

use super::WorkerOptions;
use super::run::Failed;
use domain::job::ConsolidationOrder;
use domain::{FileOptions, Validity};

/// Records that may be in work at the same time: fewer than asked for when the scratch space does
/// not suffice, and an order that cannot fit at all is refused. Counted are the tiles of all records
/// with their overviews, the file made of them, and a file that GDAL writes per record in work, as
/// some codecs ask for; compression is not counted on.
pub(super) fn parallel(
    order: &ConsolidationOrder,
    options: &WorkerOptions,
) -> Result<usize, Failed> {
    let wanted = options.parallel_records.max(1);
    let Some(available) = options.scratch_bytes else {
        return Ok(wanted);
    };
    let fits = |parallel: &usize| needed(order, *parallel) <= u128::from(available);
    [wanted, 1].into_iter().find(fits).ok_or_else(|| {
        let needed = needed(order, 1);
        Failed::ForGood(format!(
            "insufficient scratch: {needed} bytes needed, {available} available"
        ))
    })
}

/// Bytes needed with this many records in work at the same time.
fn needed(order: &ConsolidationOrder, parallel: usize) -> u128 {
    let container = &order.container;
    let pixels = u128::from(container.size.width) * u128::from(container.size.height);
    let (format, bands) = (&container.mapping.format, container.bands_count);
    let zstd_level = 1;
    let options = FileOptions::of(
        &container.creation_params,
        format.dtype,
        bands.into(),
        zstd_level,
    );
    let Validity { alpha, mask } = options.validity(format, bands.into());
    let samples = u128::from(bands) + u128::from(alpha);
    let raw = pixels * samples * format.dtype.size() as u128 + pixels * u128::from(mask) / 8;
    let tiled = if container.overviews_min_size == 0 {
        raw
    } else {
        raw + raw / 3
    };
    2 * tiled * order.records.len() as u128 + tiled * parallel as u128
}
