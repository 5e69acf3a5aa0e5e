//! Cubes of given sources.

use super::cube::{image_format, transform};
use super::format::{data_format, required_resampling};
use super::record::record_from;
use super::{dataset_source, required};
use crate::pb;
use app::{DownloadRequest, Limits, Slice};
use domain::{Error, Result};
use std::sync::Arc;

/// Reads the request of a cube whose sources are known, with at least one group of records.
pub(crate) fn download_request(
    request: pb::GetCubeMetadataRequest,
    limits: &Limits,
) -> Result<DownloadRequest> {
    let transform = transform(request.pix_to_crs)?;
    let (groups, metas) = (request.grouped_records, request.datasets_meta);
    if groups.len() != metas.len() {
        return Err(Error::invalid(format!(
            "Invalid datasets_meta: {} lists, expected as many as grouped_records ({})",
            metas.len(),
            groups.len()
        )));
    }
    check_records(&groups, limits)?;
    let slices = groups.into_iter().zip(metas);
    let slices = slices.map(|(records, meta)| slice(records, meta, limits));
    let format = required("ref_dformat", request.ref_dformat)?;
    let size = request.size.unwrap_or_default();
    Ok(DownloadRequest {
        slices: slices.collect::<Result<_>>()?,
        format: data_format("ref_dformat", &format)?,
        resampling: required_resampling(request.resampling_alg)?,
        crs: request.crs,
        transform,
        size: (size.width.into(), size.height.into()),
        file_format: image_format(request.format)?,
        predownload: request.predownload,
    })
}

fn check_records(groups: &[pb::GroupedRecords], limits: &Limits) -> Result<()> {
    let count: usize = groups.iter().map(|group| group.records.len()).sum();
    Limits::check(
        "records in one request (maxRecords)",
        count as u64,
        limits.records_per_request as u64,
    )
}

fn slice(records: pb::GroupedRecords, meta: pb::DatasetMeta, limits: &Limits) -> Result<Slice> {
    let records = records.records.into_iter();
    let records = records.map(|record| record_from(record, limits).map(Arc::new));
    let sources = meta.internals_meta.into_iter().map(dataset_source);
    Ok(Slice {
        records: records.collect::<Result<_>>()?,
        sources: sources.collect::<Result<_>>()?,
    })
}
