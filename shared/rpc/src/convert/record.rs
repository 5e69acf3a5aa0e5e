//! Records, their filters and lists of ids.

use super::{aoi_to, timestamp_to, time};
use crate::pb;
use app::Limits;
use domain::{AoiId, Error, NewRecord, Record, RecordFilters, RecordId, Result, TagFilters, Tags};
use std::collections::HashMap;

/// Reads a record to create, in the order of the rules: time, footprint, name, tags.
pub(crate) fn new_record(record: pb::NewRecord) -> Result<NewRecord> {
    let time = time::instant(record.time)?;
    let aoi_id = AoiId::parse(&record.aoi_id)?;
    domain::check_name("Name", &record.name)?;
    let tags = Tags::try_new(record.tags.into_iter().collect())?;
    NewRecord::try_new(record.name, time, tags, aoi_id)
}

/// Writes a record; the geometry goes along where it was read.
pub(crate) fn record_to(record: Record) -> pb::Record {
    pb::Record {
        id: record.id.to_string(),
        name: record.name,
        time: Some(timestamp_to(record.time)),
        tags: record.tags.into_map().into_iter().collect(),
        aoi_id: record.aoi_id.to_string(),
        aoi: record.aoi.as_ref().map(aoi_to),
    }
}

/// Reads a bounded list of ids.
pub(crate) fn ids<T>(texts: &[String], parse: impl Fn(&str) -> Result<T>, limits: &Limits) -> Result<Vec<T>> {
    Limits::check("ids in one request", texts.len() as u64, limits.ids_per_request as u64)?;
    texts.iter().map(|text| parse(text)).collect()
}

/// Reads filters; absent ones filter nothing.
pub(crate) fn filters_from(filters: Option<pb::RecordFilters>) -> Result<RecordFilters> {
    let pb::RecordFilters { tags, from_time, to_time } = filters.unwrap_or_default();
    Ok(RecordFilters { tags: tag_filters(tags)?, time: time::time_range(from_time, to_time)? })
}

/// Reads filters on tags.
pub(crate) fn tag_filters(tags: HashMap<String, String>) -> Result<TagFilters> {
    TagFilters::parse(tags.into_iter().collect())
}

/// Reads a page: (offset, limit), none when the limit is 0.
pub(crate) fn page(limit: i32, page: i32) -> Result<Option<(u64, u64)>> {
    let positive = |field: &str, value: i32| {
        u64::try_from(value).map_err(|_| Error::invalid(format!("Invalid {field}: {value}, expected 0 or more")))
    };
    let (limit, page) = (positive("limit", limit)?, positive("page", page)?);
    Ok((limit > 0).then_some((page * limit, limit)))
}

/// Reads the ids of records.
pub(crate) fn record_ids(texts: &[String], limits: &Limits) -> Result<Vec<RecordId>> {
    ids(texts, RecordId::parse, limits)
}
