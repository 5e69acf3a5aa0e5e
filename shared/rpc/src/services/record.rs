//! Records and their tags.

use super::reply::{Checked, Reply, reply};
use super::stream::{self, Items};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::{App, Limits};

pub(super) async fn create_records(
    app: &App,
    request: pb::CreateRecordsRequest,
) -> Reply<pb::CreateRecordsResponse> {
    let records = request.records;
    let limit = app.limits().records_per_request as u64;
    let what = "records in one request (maxRecords)";
    Limits::check(what, records.len() as u64, limit).checked()?;
    let records = records
        .into_iter()
        .map(|record| convert::new_record(record, app.limits()))
        .collect::<domain::Result<Vec<_>>>()
        .checked()?;
    let ids = app.create_records(records).await.map_err(status)?;
    reply(pb::CreateRecordsResponse {
        ids: ids.iter().map(ToString::to_string).collect(),
    })
}

pub(super) async fn get_records(
    app: &App,
    request: pb::GetRecordsRequest,
) -> Reply<Items<pb::GetRecordsResponseItem>> {
    let ids = convert::record_ids(&request.ids, app.limits()).checked()?;
    let records = app.records(&ids).await.map_err(status)?;
    let item = |record| pb::GetRecordsResponseItem {
        record: Some(convert::record_to(record)),
    };
    Ok(stream::items(records, item))
}

pub(super) async fn list_records(
    app: &App,
    request: pb::ListRecordsRequest,
) -> Reply<Items<pb::ListRecordsResponseItem>> {
    let query = convert::record_query(request, app.limits()).checked()?;
    let records = app.list_records(query).await.map_err(status)?;
    let item = |record| pb::ListRecordsResponseItem {
        record: Some(convert::record_to(record)),
    };
    Ok(stream::items(records, item))
}

pub(super) async fn add_records_tags(
    app: &App,
    request: pb::AddRecordsTagsRequest,
) -> Reply<pb::AddRecordsTagsResponse> {
    let pb::AddRecordsTagsRequest { ids, tags } = request;
    let ids = convert::record_ids(&ids, app.limits()).checked()?;
    let tags = convert::tags(tags, app.limits()).checked()?;
    let nb = app.add_records_tags(&ids, &tags).await.map_err(status)?;
    reply(pb::AddRecordsTagsResponse { nb: nb as i64 })
}

pub(super) async fn remove_records_tags(
    app: &App,
    request: pb::RemoveRecordsTagsRequest,
) -> Reply<pb::RemoveRecordsTagsResponse> {
    let pb::RemoveRecordsTagsRequest { ids, tags_key } = request;
    let ids = convert::record_ids(&ids, app.limits()).checked()?;
    let keys = convert::tag_keys(tags_key, app.limits()).checked()?;
    let nb = app.remove_records_tags(&ids, &keys).await.map_err(status)?;
    reply(pb::RemoveRecordsTagsResponse { nb: nb as i64 })
}

pub(super) async fn delete_records(
    app: &App,
    request: pb::DeleteRecordsRequest,
) -> Reply<pb::DeleteRecordsResponse> {
    let pb::DeleteRecordsRequest { ids, no_fail } = request;
    let ids = convert::record_ids(&ids, app.limits()).checked()?;
    let nb = app.delete_records(&ids, no_fail).await.map_err(status)?;
    reply(pb::DeleteRecordsResponse { nb: nb as i64 })
}
