//! The raster work of an order.

use super::Worker;
use super::run::Failed;
use super::sources::Copies;
use super::stop::{Cause, StopFlag};
use crate::job::failure;
use domain::DatasetSource;
use domain::job::ConsolidationOrder;
use domain::job::payload::OrderRecord;
use imaging::{ConsolidateSpec, Crs, RecordSources, Summary, Target};
use std::path::Path;

/// Writes the file of an order to `file`, on threads that may block, with this many records in work
/// at the same time.
pub(super) async fn produce(
    worker: &Worker,
    order: &ConsolidationOrder,
    copies: Copies,
    parallel: usize,
    file: &Path,
    stop: &StopFlag,
) -> Result<Summary, Failed> {
    let options = worker.options();
    let (order, out, workdir) = (
        order.clone(),
        file.to_owned(),
        file.parent().unwrap_or(file).to_owned(),
    );
    let (flag, stop) = (stop.clone(), stop.clone());
    let (zstd_level, limits) = (options.zstd_level, options.limits);
    let span = tracing::Span::current();
    let work = tokio::task::spawn_blocking(move || {
        let _entered = span.entered();
        let spec = spec(order, &copies, zstd_level, limits)?;
        imaging::consolidate(&spec, &workdir, &out, parallel, &|| stop.is_set())
    });
    let done = tokio::select! {
        done = work => done,
        // the thread finds out by itself; the lease is given back without it
        () = worker.parts.stopping.cancelled() => {
            flag.set(Cause::ShutDown);
            return Err(Failed::Stopped);
        }
    };
    match done {
        Ok(Ok(summary)) => {
            tracing::info!(
                bytes = summary.bytes,
                empty_records = summary.empty_records,
                "file is written"
            );
            Ok(summary)
        }
        Ok(Err(imaging::Error::Cancelled)) => Err(Failed::Stopped),
        Ok(Err(error)) if error.is_retryable() => Err(Failed::ForNow(failure::text(&error))),
        Ok(Err(error)) => Err(Failed::ForGood(failure::text(&error))),
        Err(panic) => Err(Failed::ForNow(format!("the raster work: {panic}"))),
    }
}

fn spec(
    order: ConsolidationOrder,
    copies: &Copies,
    zstd_level: u8,
    limits: imaging::Limits,
) -> imaging::Result<ConsolidateSpec> {
    let container = order.container;
    Ok(ConsolidateSpec {
        records: order
            .records
            .into_iter()
            .map(|record| sources(record, copies))
            .collect(),
        target: Target {
            crs: Crs::parse(&container.crs)?,
            transform: container.transform,
            size: container.size,
        },
        mapping: container.mapping,
        bands: container.bands_count.into(),
        block_size: (container.block_x_size, container.block_y_size),
        overviews_min_size: container.overviews_min_size,
        interlacing_pattern: container.interlacing_pattern,
        resampling: container.resampling,
        overview_resampling: container.overview_resampling,
        creation_params: container.creation_params,
        zstd_level,
        limits,
    })
}

fn sources(record: OrderRecord, copies: &Copies) -> RecordSources {
    let read_from = |source: DatasetSource| match copies.get(&source.uri) {
        Some(local) => DatasetSource {
            uri: local.clone(),
            ..source
        },
        None => source,
    };
    RecordSources {
        id: record.id,
        sources: record
            .datasets
            .into_iter()
            .map(|dataset| read_from(dataset.source))
            .collect(),
    }
}
