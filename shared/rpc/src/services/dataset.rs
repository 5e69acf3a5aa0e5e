//! Datasets: their lists, their mapping and their deletion.

use super::reply::{Checked, Reply, reply};
use crate::convert;
use crate::pb;
use crate::status::status;
use app::App;
use domain::{InstanceId, RecordFilters, RecordSelection};

pub(super) async fn list_datasets(
    app: &App,
    request: pb::ListDatasetsRequest,
) -> Reply<pb::ListDatasetsResponse> {
    use pb::list_datasets_request::RecordsLister;
    let instance_id = InstanceId::parse(&request.instance_id).checked()?;
    let selection = match request.records_lister {
        Some(RecordsLister::Records(list)) if !list.ids.is_empty() => {
            RecordSelection::Ids(convert::record_ids(&list.ids, app.limits()).checked()?)
        }
        None | Some(RecordsLister::Records(_)) => {
            RecordSelection::Filters(RecordFilters::default())
        }
        Some(RecordsLister::Filters(filters)) => {
            let filters = convert::filters_from(Some(filters), app.limits());
            RecordSelection::Filters(filters.checked()?)
        }
    };
    let found = app
        .list_datasets(instance_id, &selection)
        .await
        .map_err(status)?;
    let (records, dataset_metas) = found
        .into_iter()
        .map(|found| {
            let meta = convert::dataset_meta_to(&found.sources);
            (convert::record_to((*found.record).clone()), meta)
        })
        .unzip();
    reply(pb::ListDatasetsResponse {
        records,
        dataset_metas,
    })
}

pub(super) async fn update_datasets(
    app: &App,
    request: pb::UpdateDatasetsRequest,
) -> Reply<pb::UpdateDatasetsResponse> {
    let update = convert::mapping_update(&request, app.limits()).checked()?;
    let counts = app.update_datasets(update, request.simulate).await;
    let counts = counts.map_err(status)?.into_iter();
    reply(pb::UpdateDatasetsResponse {
        results: counts
            .map(|(mapping, count)| (mapping, count as i64))
            .collect(),
    })
}

/// Starts a deletion; both services offer it.
pub(super) async fn delete_datasets(
    app: &App,
    request: pb::DeleteDatasetsRequest,
) -> Reply<pb::DeleteDatasetsResponse> {
    let deletion = convert::new_deletion(request, app.limits()).checked()?;
    let job = app.delete_datasets(deletion).await.map_err(status)?;
    reply(pb::DeleteDatasetsResponse {
        job: Some(convert::job_to(job)),
    })
}
