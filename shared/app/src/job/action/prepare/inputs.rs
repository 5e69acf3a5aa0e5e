//! What is read from the catalogue for one cell.

use super::Context;
use super::cell::has_share;
use super::places::Place;
use crate::Result;
use crate::catalogue::PlacedCell;
use crate::job::action::running::Running;
use database::dataset::{self, TimedDataset};
use domain::footprint::search_area;
use domain::plan::{
    BaseUri, CellFolders, Need, PlanDataset, leave_to_other_cells, needs_consolidation,
};
use domain::{DatasetId, Entity, Error, Uri};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The datasets of a cell, and the verdict on them.
pub(super) struct CellInputs {
    /// Datasets of the job.
    pub found: Vec<PlanDataset>,
    /// Datasets of the containers to complete.
    pub reused: Vec<PlanDataset>,
    pub need: Need,
}

/// Reads the datasets of the job that lie on a cell and, when there is work, those of the
/// containers that it completes.
pub(super) async fn read(
    running: &Running,
    context: &Context,
    place: &Place,
    folders: &Arc<CellFolders>,
) -> Result<CellInputs> {
    let Place {
        placed: PlacedCell { cell, crs },
        base,
    } = place;
    let (extent, crs) = (cell.transform.extent(cell.size), crs.clone());
    let geographic = running
        .app
        .engine()
        .run(move |_| Ok(search_area(&extent, &crs)?))
        .await?;
    let outline = cell.ring_in_crs().into();
    let mut connection = running.app.database().read().await?;
    let found = dataset::on_cell(
        &mut connection,
        context.job.id,
        &geographic,
        &outline,
        cell.srid,
    )
    .await?;
    for found in &found {
        found.dataset.source.uri.check_served()?;
    }
    let inputs = in_order(found);
    let (placed, folders, cell_base) = (place.placed.clone(), Arc::clone(folders), base.clone());
    let mut inputs = running
        .app
        .engine()
        .run(move |_| {
            let share = |input: &PlanDataset| has_share(&input.dataset, &placed);
            Ok(leave_to_other_cells(inputs, &cell_base, &folders, share)?)
        })
        .await?;
    let need = needs_consolidation(&inputs, &context.target, base);
    let mut reused = Vec::new();
    if need.need {
        refuse_second_collapse(context, base)?;
        if !need.reuse.is_empty() {
            let files: BTreeSet<Uri> = inputs
                .iter()
                .map(|input| input.dataset.source.uri.clone())
                .collect();
            let files: Vec<Uri> = files.into_iter().collect();
            let all = in_order(dataset::timed_of_containers(&mut connection, &files).await?);
            reused = complete(&mut inputs, all, &need);
        }
    }
    Ok(CellInputs {
        found: inputs,
        reused,
        need,
    })
}

/// Positions follow the order of creation within each record.
fn in_order(found: Vec<TimedDataset>) -> Vec<PlanDataset> {
    found
        .into_iter()
        .zip(0..)
        .map(|(TimedDataset { time, dataset }, position)| PlanDataset {
            dataset,
            record_time: time,
            position,
        })
        .collect()
}

/// The datasets of the containers to complete. Positions of both lists become comparable: those of
/// `all`, which holds every dataset of the files of the inputs.
fn complete(inputs: &mut [PlanDataset], all: Vec<PlanDataset>, need: &Need) -> Vec<PlanDataset> {
    let positions: HashMap<DatasetId, i64> = all
        .iter()
        .map(|dataset| (dataset.dataset.id, dataset.position))
        .collect();
    for input in inputs {
        if let Some(position) = positions.get(&input.dataset.id) {
            input.position = *position;
        }
    }
    all.into_iter()
        .filter(|dataset| need.reuse.contains(&dataset.dataset.source.uri))
        .collect()
}

/// The same records merged twice would give two visible datasets of one record.
fn refuse_second_collapse(context: &Context, base: &BaseUri) -> Result<()> {
    let Some((record, _)) = context.collapse else {
        return Ok(());
    };
    let Some(file) = context.collapsed_files.iter().find(|file| base.holds(file)) else {
        return Ok(());
    };
    Err(Error::AlreadyExists {
        entity: Entity::Container,
        id: file.to_string(),
        text: format!("{file} holds the record {record} in this cell already: delete it first"),
    }
    .into())
}
