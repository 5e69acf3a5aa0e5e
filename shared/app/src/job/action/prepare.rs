//! CREATED, consolidation: what is to be written where, and what it replaces.

mod cell;
mod inputs;
mod pieces;
mod places;

use super::index::instance_and_layout;
use super::running::{Running, Stop};
use crate::job::outbox::Posted;
use crate::{App, Result};
use cell::{CellWork, plan_one};
use database::consolidation_params::{self, Owner};
use database::lock::{self, LockFlag};
use database::{dataset, job_log, layout, record, task, variable};
use domain::grid::GridSpec;
use domain::job::{ActionEnd, EntryAction, Job, LogEntry, Severity};
use domain::plan::{CellFolders, Replaced, Target};
use domain::{
    DatasetId, Entity, InstanceId, Instant, Layout, RecordId, RecordSelection, Resampling, Uri,
};
use inputs::CellInputs;
use pieces::Pieces;
use places::Place;
use std::sync::Arc;

/// Root of the files that consolidation writes.
pub(in crate::job) fn ingestion_storage(app: &App) -> Result<&Uri> {
    app.options().ingestion_storage.as_ref().ok_or_else(|| {
        let text =
            "consolidation is off: the service has no place for its files (flag ingestionStorage)";
        domain::Error::Precondition(text.to_owned()).into()
    })
}

/// What all the cells of a job have in common.
#[derive(Debug)]
struct Context {
    job: Job,
    instance: InstanceId,
    layout: Layout,
    storage: Uri,
    target: Target,
    grid: GridSpec,
    collapse: Option<(RecordId, Instant)>,
    /// Files of the record that the others are merged into.
    collapsed_files: Vec<Uri>,
}

impl Context {
    /// The record that all the others are merged into.
    fn collapsed_record(&self) -> Option<RecordId> {
        self.collapse.map(|(id, _)| id)
    }
}

/// What was decided for all the cells.
#[derive(Default)]
struct Plan {
    tasks: Pieces,
    replaced: Replaced,
}

/// Plans cell by cell, telling the user on the way and putting away what would be too much to hold, then stores tasks and
/// locks in one transaction.
pub(super) async fn prepare_orders(running: &Running) -> Result<Posted, Stop> {
    let context = Arc::new(context(running).await?);
    let mut plan = Plan::default();
    let (places, folders) = places::of_job(running, &context).await?;
    for place in places {
        plan_cell(running, &context, place, &folders, &mut plan).await?;
    }
    store(running, &context.target, plan).await
}

async fn context(running: &Running) -> Result<Context> {
    let (app, job) = (&running.app, &running.job);
    let storage = ingestion_storage(app)?.clone();
    let (instance, layout) = instance_and_layout(job)?;
    let mut connection = app.database().read().await?;
    let layout = layout::get(&mut connection, &layout).await?;
    let variable = variable::get_by_instance(&mut connection, instance).await?;
    let params = consolidation_params::get(&mut connection, Owner::Job(job.id)).await?;
    let collapse = match job.payload.collapse_record_id {
        Some(id) => Some((id, record_time(&mut connection, id).await?)),
        None => None,
    };
    let mut collapsed_files = Vec::new();
    if let Some((id, _)) = collapse {
        let selection = RecordSelection::Ids(vec![id]);
        for found in dataset::list(&mut connection, instance, &selection, MAX_COLLAPSED).await? {
            collapsed_files.extend(found.datasets.into_iter().map(|dataset| dataset.source.uri));
        }
    }
    Ok(Context {
        target: Target::try_new(&params, &variable.definition, &layout)?,
        job: job.clone(),
        grid: GridSpec::parse(&layout.grid_parameters)?,
        instance,
        layout,
        storage,
        collapse,
        collapsed_files,
    })
}

/// Datasets of the record of a collapse that are looked at.
const MAX_COLLAPSED: dataset::Bound = dataset::Bound::of(
    1_000_000,
    "of the record that the others are collapsed into",
);

async fn record_time(connection: &mut database::PgConnection, id: RecordId) -> Result<Instant> {
    let records = record::get(connection, &[id]).await?;
    let record = records.into_iter().next();
    record
        .map(|record| record.time)
        .ok_or_else(|| domain::Error::not_found(Entity::Record, "id", id).into())
}

async fn plan_cell(
    running: &Running,
    context: &Arc<Context>,
    place: Place,
    folders: &Arc<CellFolders>,
    plan: &mut Plan,
) -> Result<(), Stop> {
    let CellInputs {
        found: inputs,
        reused,
        need,
    } = inputs::read(running, context, &place, folders).await?;
    if inputs.is_empty() {
        return Ok(());
    }
    if !need.need {
        plan.replaced.visit(&inputs, None);
        return Ok(());
    }
    let work = CellWork {
        place,
        need,
        inputs: inputs.clone(),
        reused,
    };
    let context = Arc::clone(context);
    let (planned, message) = running
        .app
        .engine()
        .run(move |_| plan_one(&context, work))
        .await?;
    plan.replaced.visit(&inputs, Some(&planned));
    plan.tasks.add(running, planned.tasks()).await?;
    if let Some(message) = message {
        running
            .log(&[running.entry(Severity::Debug, message)])
            .await?;
    }
    Ok(())
}

/// Stores what was decided. The inputs that nothing replaces are released.
async fn store(running: &Running, target: &Target, plan: Plan) -> Result<Posted, Stop> {
    let id = running.job.id;
    let (replaced, kept) = plan.replaced.finish();
    let mut step = running.begin().await?;
    // left by a former run of the action whose follow-up was lost
    task::delete_of_job(step.conn(), id).await?;
    for flag in [LockFlag::Initial, LockFlag::ToDelete] {
        lock::release(step.conn(), id, Some(flag)).await?;
    }
    lock::lock(step.conn(), id, &replaced, LockFlag::ToDelete).await?;
    let tasks = plan.tasks.store(running, &mut step).await?;
    let text = format!(
        "{tasks} task(s) prepared, {} dataset(s) will be replaced",
        replaced.len()
    );
    let mut entries = vec![running.entry(Severity::Info, text)];
    entries.extend(kept_entry(running, &kept));
    entries.extend(overviews_entry(running, target.resampling));
    job_log::append(step.conn(), id, &entries).await?;
    step.recount().await?;
    running
        .end(EntryAction::PrepareOrders, step, ActionEnd::Complete)
        .await
}

/// What users of a kernel should know whose overviews are made by another one.
fn overviews_entry(running: &Running, kernel: Resampling) -> Option<LogEntry> {
    let falls_back = kernel != Resampling::Near && kernel.for_overviews() == Resampling::Near;
    let text = format!("Overviews are made of the nearest pixels: {kernel} cannot make them");
    falls_back.then(|| running.entry(Severity::Info, text))
}

fn kept_entry(running: &Running, kept: &[DatasetId]) -> Option<LogEntry> {
    let first = kept.first()?;
    let text = format!(
        "{} dataset(s) stay, because other cells need them, for example {first}",
        kept.len()
    );
    Some(running.entry(Severity::Warn, text))
}
