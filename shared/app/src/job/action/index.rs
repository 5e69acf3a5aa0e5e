//! CONSOLIDATIONDONE: the new files become known to the catalogue, still hidden from readers.

mod spare;

use super::running::{Running, Stop};
use crate::catalogue::index::present;
use crate::failpoint::failpoint;
use crate::job::outbox::Posted;
use crate::{Error, Result};
use database::dataset::{self, NewDataset};
use database::lock::{self, LockFlag};
use database::{container, task};
use domain::footprint::Footprint;
use domain::job::payload::OrderRecord;
use domain::job::{
    ActionEnd, ConsolidationOrder, EntryAction, Job, Message, Task, TaskState, parse_message,
};
use domain::{
    Bands, Container, Dataset, DatasetId, DatasetSource, DatasetStatus, InstanceId, MultiPolygon,
    StorageClass, TaskId, Uri,
};
use imaging::Crs;

/// Files that one transaction indexes: it looks at them, and holds their containers.
const TOGETHER: usize = 8;

/// Indexes the files of the DONE tasks, some in a transaction that also removes their tasks, so that
/// the action goes on where a former run of it stopped.
pub(super) async fn index_outputs(running: &Running) -> Result<Posted, Stop> {
    let done = {
        let mut connection = running.app.database().read().await?;
        task::list_without_payload(&mut connection, running.job.id, &[TaskState::Done]).await?
    };
    let ids: Vec<TaskId> = done.iter().map(|task| task.id).collect();
    for ids in ids.chunks(TOGETHER) {
        index_some(running, ids).await?;
    }
    let mut step = running.begin().await?;
    spare::spare_sources(running, &mut step).await?;
    step.recount().await?;
    running
        .end(EntryAction::IndexOutputs, step, ActionEnd::Complete)
        .await
}

/// A file that is there, and its datasets.
struct Output {
    task: TaskId,
    uri: Uri,
    storage_class: StorageClass,
    described: Vec<NewDataset>,
}

/// Indexes the files of some tasks, up to the first one that fails.
async fn index_some(running: &Running, ids: &[TaskId]) -> Result<(), Stop> {
    let tasks = {
        let mut connection = running.app.database().read().await?;
        task::get_many(&mut connection, ids).await?
    };
    let (instance, layout) = instance_and_layout(&running.job)?;
    let (mut outputs, mut failed) = (Vec::with_capacity(tasks.len()), Ok(()));
    for task in tasks {
        match output(running, &task, instance).await {
            Ok(output) => outputs.push(output),
            Err(error) => {
                failed = Err(error.into());
                break;
            }
        }
    }
    if !outputs.is_empty() {
        store(running, outputs, &layout).await?;
    }
    failed
}

/// Stores the datasets of some files, and removes their tasks.
async fn store(running: &Running, mut outputs: Vec<Output>, layout: &str) -> Result<(), Stop> {
    // in the order of the files, so that two who index the same ones do not wait for each other
    outputs.sort_by(|one, other| one.uri.cmp(&other.uri));
    let mut step = running.begin().await?;
    let mut new = Vec::with_capacity(outputs.len());
    let (mut uris, mut ids) = (Vec::new(), Vec::new());
    for output in outputs {
        let Output {
            task,
            uri,
            storage_class,
            described,
        } = output;
        present::keep(&running.app, step.conn(), &uri).await?;
        let present = container::lock_or_create(step.conn(), &uri, true, storage_class).await?;
        new.extend(new_datasets(&present, described)?);
        uris.push(uri);
        ids.push(task);
    }
    dataset::insert(step.conn(), &new).await?;
    let datasets: Vec<DatasetId> = new.iter().map(|new| new.dataset.id).collect();
    lock::lock(step.conn(), running.job.id, &datasets, LockFlag::New).await?;
    container::set_layout(step.conn(), &uris, layout).await?;
    task::delete(step.conn(), &ids).await?;
    failpoint!("output.index.before");
    step.commit().await?;
    Ok(())
}

async fn output(running: &Running, task: &Task, instance: InstanceId) -> Result<Output> {
    let order = order_of(task)?;
    let (uri, storage_class) = (order.container.uri.clone(), order.container.storage_class);
    let described = running
        .app
        .engine()
        .run(move |_| describe(&order, instance))
        .await?;
    check_written(running, task.id, &uri).await?;
    Ok(Output {
        task: task.id,
        uri,
        storage_class,
        described,
    })
}

/// Whether the file is there: what it replaces is deleted later.
async fn check_written(running: &Running, id: TaskId, uri: &Uri) -> Result<()> {
    failpoint!("output.check.before");
    let head = running.app.storage().head(uri).await;
    failpoint!("output.check.after");
    match head {
        Ok(_) => Ok(()),
        Err(storage::Error::NotFound { .. }) => {
            let text = format!("the file of task {id} is missing: {uri}");
            Err(domain::Error::Precondition(text).into())
        }
        Err(error) if error.is_retryable() => Err(Error::unavailable("the storage", error)),
        Err(error) => Err(Error::internal(
            format!("looking for the file of task {id}"),
            error,
        )),
    }
}

pub(super) fn order_of(task: &Task) -> Result<ConsolidationOrder> {
    match parse_message(&task.payload) {
        Ok(Message::Order(order)) => Ok(*order),
        Ok(other @ (Message::Job(_) | Message::Task(_))) => Err(Error::internal(
            "reading the order of a task",
            format!("it is a {}", other.type_name()),
        )),
        Err(error) => Err(Error::internal("reading the order of a task", error)),
    }
}

pub(super) fn instance_and_layout(job: &Job) -> Result<(InstanceId, String)> {
    let payload = &job.payload;
    match (payload.instance_id, &payload.layout) {
        (Some(instance), Some(layout)) => Ok((instance, layout.clone())),
        (Some(_) | None, _) => Err(Error::internal(
            "reading the job",
            "it has no instance or no layout",
        )),
    }
}

/// The datasets of a file, with their footprints: one per record, in the order of the file.
fn describe(order: &ConsolidationOrder, instance_id: InstanceId) -> Result<Vec<NewDataset>> {
    let target = &order.container;
    let crs = Crs::parse(&target.crs)?;
    let cell = target.transform.extent(target.size).ring().into();
    let single = order.records.len() == 1;
    let dataset = |(index, record): (usize, &OrderRecord)| {
        let (shape, srid) = shape(record, &cell, &crs)?;
        let Footprint {
            geog,
            geom,
            shape,
            srid,
        } = Footprint::of_shape(&shape, srid, &crs)?;
        let dataset = Dataset {
            id: DatasetId::new(),
            record_id: record.id,
            instance_id,
            source: DatasetSource {
                uri: target.uri.clone(),
                subdir: if single {
                    String::new()
                } else {
                    format!("GTIFF_DIR:{}", index + 1)
                },
                bands: Bands::first(target.bands_count.into()),
                mapping: target.mapping,
            },
            status: DatasetStatus::Inactive,
            overviews: target.overviews_min_size != 0,
            shape,
            srid,
        };
        Ok(NewDataset {
            dataset,
            geom,
            geog,
        })
    };
    order.records.iter().enumerate().map(dataset).collect()
}

/// Area of the valid data of a record, in the reference system of the file.
fn shape(record: &OrderRecord, cell: &MultiPolygon, crs: &Crs) -> Result<(MultiPolygon, i32)> {
    match &record.valid_shape {
        None => Ok((cell.clone(), crs.srid())),
        Some(valid) if crs.srid() == 0 || valid.srid == crs.srid() => {
            Ok((valid.area.clone(), valid.srid))
        }
        Some(valid) => Err(Error::invalid(format!(
            "records.valid_shape: srid {}, expected that of the container ({})",
            valid.srid,
            crs.srid()
        ))),
    }
}

/// Those of the described datasets that the container does not have yet.
fn new_datasets(present: &Container, described: Vec<NewDataset>) -> Result<Vec<NewDataset>> {
    let mut new = Vec::with_capacity(described.len());
    let present = present.clone().additions();
    for described in described {
        // beside what was there before; those of the same order do not meet each other
        if present.admits(&described.dataset)? {
            new.push(described);
        }
    }
    Ok(new)
}
