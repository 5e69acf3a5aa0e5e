//! Records, their filters and lists of ids.

use super::aoi::aoi_filter;
use super::time::{self, timestamp_to};
use super::{aoi_to, pattern, text};
use crate::pb;
use app::{Limits, Page, RecordQuery};
use domain::{AoiId, Error, NewRecord, Record, RecordFilters, RecordId, Result, TagFilters, Tags};
use std::collections::BTreeMap;

/// Reads a record to create, in the order of the rules: time, footprint, name, tags.
pub(crate) fn new_record(record: pb::NewRecord, limits: &Limits) -> Result<NewRecord> {
    let time = time::instant(record.time)?;
    let aoi_id = AoiId::parse(&record.aoi_id)
        .map_err(|_| Error::invalid(format!("Invalid AOI uuid: {}", record.aoi_id)))?;
    domain::check_name("Name", &record.name)?;
    let tags = tags(record.tags, limits)?;
    NewRecord::try_new(record.name, time, tags, aoi_id)
}

/// Reads a record as another service wrote it. Its geometry is of no use, and left out.
pub(super) fn record_from(record: pb::Record, limits: &Limits) -> Result<Record> {
    limits.check_tags("tags", record.tags.len())?;
    for tag in record.tags.iter().flat_map(|(key, value)| [key, value]) {
        text("tags", tag.clone())?;
    }
    Ok(Record {
        id: RecordId::parse(&record.id)?,
        name: text("name", record.name)?,
        time: time::instant(record.time)?,
        // what is stored may be older than today's rules
        tags: Tags::from_stored(record.tags),
        aoi_id: AoiId::parse(&record.aoi_id)?,
        aoi: None,
    })
}

/// Writes a record; the geometry goes along where it was read.
pub(crate) fn record_to(record: Record) -> pb::Record {
    pb::Record {
        id: record.id.to_string(),
        name: record.name,
        time: Some(timestamp_to(record.time)),
        tags: record.tags.into_map(),
        aoi_id: record.aoi_id.to_string(),
        aoi: record.aoi.as_ref().map(aoi_to),
    }
}

/// Reads a bounded list of ids.
pub(crate) fn ids<T>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T>,
    limits: &Limits,
) -> Result<Vec<T>> {
    Limits::check(
        "ids in one request (maxRecords)",
        texts.len() as u64,
        limits.ids_per_request as u64,
    )?;
    texts.iter().map(|text| parse(text)).collect()
}

/// Reads filters; absent ones filter nothing.
pub(crate) fn filters_from(
    filters: Option<pb::RecordFilters>,
    limits: &Limits,
) -> Result<RecordFilters> {
    let pb::RecordFilters {
        tags,
        from_time,
        to_time,
    } = filters.unwrap_or_default();
    Ok(RecordFilters {
        tags: tag_filters(tags, limits)?,
        time: time::time_range(from_time, to_time)?,
    })
}

/// Reads the query of a list of records.
pub(crate) fn record_query(
    request: pb::ListRecordsRequest,
    limits: &Limits,
) -> Result<RecordQuery> {
    let filters = RecordFilters {
        tags: tag_filters(request.tags, limits)?,
        time: time::time_range(request.from_time, request.to_time)?,
    };
    let aoi = aoi_filter(request.aoi, limits.aoi_vertices)?;
    Ok(RecordQuery {
        name: pattern("name", &request.name)?,
        filters,
        aoi: aoi.map(|aoi| aoi.polygons().clone()),
        page: page(request.limit, request.page)?,
        with_aoi: request.with_aoi,
    })
}

/// Reads tags to give.
pub(crate) fn tags(tags: BTreeMap<String, String>, limits: &Limits) -> Result<Tags> {
    limits.check_tags("tags", tags.len())?;
    Tags::try_new(tags)
}

fn tag_filters(tags: BTreeMap<String, String>, limits: &Limits) -> Result<TagFilters> {
    limits.check_tags("filters on tags", tags.len())?;
    TagFilters::parse(tags)
}

/// Reads keys of tags to drop.
pub(crate) fn tag_keys(keys: Vec<String>, limits: &Limits) -> Result<Vec<String>> {
    limits.check_tags("keys of tags", keys.len())?;
    keys.into_iter().map(|key| text("tagsKey", key)).collect()
}

/// Reads a page; a limit of 0 asks for everything, whatever the page.
pub(crate) fn page(limit: i32, page: i32) -> Result<Page> {
    let positive = |field: &str, value: i32| {
        u32::try_from(value)
            .map_err(|_| Error::invalid(format!("Invalid {field}: {value}, expected 0 or more")))
    };
    Ok(Page {
        page: positive("page", page)?,
        limit: positive("limit", limit)?,
    })
}

/// Reads the ids of records.
pub(crate) fn record_ids(texts: &[String], limits: &Limits) -> Result<Vec<RecordId>> {
    ids(texts, RecordId::parse, limits)
}
