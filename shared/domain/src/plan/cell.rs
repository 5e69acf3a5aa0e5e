//! The files of one cell.

use super::{BaseUri, Need, PlanDataset, Target, group_by_record};
use crate::grid::Cell;
use crate::job::messages::{PreparedCell, prepared_cell};
use crate::job::payload::{OrderDataset, OrderRecord, TargetContainer, ValidShape};
use crate::job::{ConsolidationOrder, Task};
use crate::{
    DatasetId, DatasetStatus, Instant, JobId, MultiPolygon, RecordId, Result, Ring, TaskId, Uri,
};
use std::collections::HashSet;

/// What is to be written in a cell.
#[derive(Clone, Copy, Debug)]
pub struct CellTarget<'a> {
    /// Job of the orders.
    pub job_id: JobId,
    /// What all the files of the job have in common.
    pub target: &'a Target,
    /// The cell.
    pub cell: &'a Cell,
    /// Reference system of the cell, as WKT.
    pub wkt: &'a str,
    /// Folder of the files.
    pub base: &'a BaseUri,
    /// Record into which all the others are merged, with its instant.
    pub collapse: Option<(RecordId, Instant)>,
}

/// What was decided for a cell that needs work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellPlan {
    /// One per file; none when no dataset has anything to show in the cell.
    pub orders: Vec<ConsolidationOrder>,
    /// Datasets that the files hold.
    pub consolidated: Vec<DatasetId>,
    /// Datasets left out because nothing of them is in the cell.
    pub nothing_here: Vec<DatasetId>,
}

impl CellPlan {
    /// Number of records in the files.
    pub fn records(&self) -> usize {
        self.orders.iter().map(|order| order.records.len()).sum()
    }

    /// The tasks of the orders, in state NEW.
    pub fn tasks(&self) -> impl Iterator<Item = Task> {
        self.orders
            .iter()
            .map(|order| Task::new(order.task_id, order.job_id, order.to_json()))
    }

    /// What the user is told; `None` when nothing is written.
    pub fn message(&self, cell_uri: &str, geographic: &Ring) -> Option<String> {
        let last = self.orders.last()?;
        Some(prepared_cell(&PreparedCell {
            containers: self.orders.len(),
            records: self.records(),
            datasets: self.consolidated.len(),
            cell_uri,
            geographic,
            task_id: last.task_id,
        }))
    }
}

/// Plans the files of a cell for which [`super::needs_consolidation`] found a `need`.
///
/// `inputs` are the datasets of the job that meet the cell, `reused` all the datasets of the
/// containers in `need.reuse`. `valid_shape` tells which part of the cell some datasets cover, in
/// the reference system of the cell; `None` when they cover nothing.
///
/// # Errors
/// Those of `valid_shape`, and [`crate::Error::Invalid`] for an address that is too long.
pub fn plan_cell(
    at: &CellTarget<'_>,
    need: &Need,
    inputs: Vec<PlanDataset>,
    reused: Vec<PlanDataset>,
    mut valid_shape: impl FnMut(&[PlanDataset]) -> Result<Option<MultiPolygon>>,
) -> Result<CellPlan> {
    let mut datasets = inputs;
    let mut present: HashSet<DatasetId> = datasets.iter().map(|input| input.dataset.id).collect();
    datasets.extend(reused.into_iter().filter(|reused| {
        reused.dataset.status == DatasetStatus::Active && present.insert(reused.dataset.id)
    }));
    datasets.sort_by_key(PlanDataset::sort_key);
    let groups: Vec<&[PlanDataset]> = if at.collapse.is_some() {
        vec![&datasets]
    } else {
        datasets = drop_full_containers(datasets, &need.reuse, at.target.max_records);
        group_by_record(&datasets).collect()
    };

    let mut plan = CellPlan::default();
    let mut records = Vec::with_capacity(groups.len());
    for group in groups.into_iter().filter(|group| !group.is_empty()) {
        let ids = group.iter().map(|input| input.dataset.id);
        if let Some(area) = valid_shape(group)? {
            plan.consolidated.extend(ids);
            records.push(record(at, group, area));
        } else {
            plan.nothing_here.extend(ids);
        }
    }
    for records in split_in_containers(records, at.target.max_records) {
        plan.orders.push(order(at, records)?);
    }
    Ok(plan)
}

/// Leaves out what needs no work: each longest run of consecutive datasets of the same container
/// among `reuse`, when it counts at least `max_records`.
pub fn drop_full_containers(
    sorted: Vec<PlanDataset>,
    reuse: &[Uri],
    max_records: usize,
) -> Vec<PlanDataset> {
    let reuse: HashSet<&Uri> = reuse.iter().collect();
    let mut keep = Vec::with_capacity(sorted.len());
    for run in sorted.chunk_by(|a, b| a.dataset.source.uri == b.dataset.source.uri) {
        let full = run.len() >= max_records && reuse.contains(&run[0].dataset.source.uri);
        keep.extend(std::iter::repeat_n(!full, run.len()));
    }
    let mut keep = keep.into_iter();
    let mut sorted = sorted;
    sorted.retain(|_| keep.next() == Some(true));
    sorted
}

/// Cuts records into files of `max_records`, in order; the last one may hold less.
pub fn split_in_containers<T>(records: Vec<T>, max_records: usize) -> impl Iterator<Item = Vec<T>> {
    let mut records = records.into_iter().peekable();
    std::iter::from_fn(move || {
        records.peek()?;
        Some(records.by_ref().take(max_records.max(1)).collect())
    })
}

fn record(at: &CellTarget<'_>, group: &[PlanDataset], area: MultiPolygon) -> OrderRecord {
    let (id, time) = at
        .collapse
        .unwrap_or((group[0].dataset.record_id, group[0].record_time));
    let source = |input: &PlanDataset| OrderDataset {
        source: input.dataset.source.clone(),
        overviews: input.dataset.overviews,
    };
    OrderRecord {
        id,
        date_time: to_second(time),
        valid_shape: Some(ValidShape {
            srid: at.cell.srid,
            area,
        }),
        datasets: group.iter().map(source).collect(),
    }
}

fn order(at: &CellTarget<'_>, records: Vec<OrderRecord>) -> Result<ConsolidationOrder> {
    let CellTarget { target, cell, .. } = at;
    let task_id = TaskId::new();
    Ok(ConsolidationOrder {
        job_id: at.job_id,
        task_id,
        attempt: 1,
        records,
        container: TargetContainer {
            uri: at.base.file(task_id)?,
            mapping: target.mapping,
            crs: at.wkt.to_owned(),
            transform: cell.transform,
            size: cell.size,
            cutline: String::new(),
            bands_count: target.bands_count,
            block_x_size: target.block_x_size,
            block_y_size: target.block_y_size,
            interlacing_pattern: target.interlacing_pattern.clone(),
            overviews_min_size: target.overviews_min_size,
            resampling: target.resampling,
            overview_resampling: target.resampling.for_overviews(),
            optimize_extent: false,
            creation_params: target.creation_params.clone(),
            storage_class: target.storage_class,
        },
    })
}

/// The second that an instant lies in.
fn to_second(time: Instant) -> Instant {
    let (seconds, _) = time.timestamp();
    Instant::from_timestamp(seconds, 0).unwrap_or(time)
}
