//! Scratch space that an order needs.

use super::WorkerOptions;
use super::run::Failed;
use domain::job::ConsolidationOrder;

/// Refuses an order that cannot fit: tiled files of all records with their overviews, the file made
/// of them, and an uncompressed record per thread. Compression is not counted on.
pub(super) fn check(order: &ConsolidationOrder, options: &WorkerOptions) -> Result<(), Failed> {
    let Some(available) = options.scratch_bytes else {
        return Ok(());
    };
    let needed = needed(order, 1);
    if needed > u128::from(available) {
        return Err(Failed::ForGood(format!(
            "insufficient scratch: {needed} bytes needed, {available} available"
        )));
    }
    Ok(())
}

/// Bytes needed with this many records in work at the same time.
fn needed(order: &ConsolidationOrder, parallel: usize) -> u128 {
    let container = &order.container;
    let pixels = u128::from(container.size.width) * u128::from(container.size.height);
    let bytes = u128::from(container.bands_count) * container.mapping.format.dtype.size() as u128;
    let raw = pixels * bytes;
    let tiled = if container.overviews_min_size == 0 {
        raw
    } else {
        raw + raw / 3
    };
    2 * tiled * order.records.len() as u128 + raw * parallel as u128
}
