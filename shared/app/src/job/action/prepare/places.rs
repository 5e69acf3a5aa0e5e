//! The cells of a job and the folders of their files.

use super::{Context, Running};
use crate::Result;
use crate::catalogue::PlacedCell;
use database::dataset;
use domain::Uri;
use domain::grid::Tiling;
use domain::plan::{BaseUri, CellFolders};
use std::collections::HashSet;
use std::sync::Arc;

/// A cell and the folder of its files.
#[derive(Debug)]
pub(super) struct Place {
    pub placed: PlacedCell,
    pub base: BaseUri,
}

/// The cells of the layout that the datasets of the job cover, each place once, and all their folders.
pub(super) async fn of_job(
    running: &Running,
    context: &Context,
) -> Result<(Vec<Place>, Arc<CellFolders>)> {
    let job = context.job.id;
    let mut connection = running.app.database().read().await?;
    let area = dataset::union_of_job(&mut connection, job).await?;
    if area.0.is_empty() {
        return Ok((Vec::new(), Arc::default()));
    }
    let files = match context.grid.tiling() {
        Tiling::Regular(_) => Vec::new(),
        Tiling::SingleCell(_) => dataset::containers_of_job(&mut connection, job).await?,
    };
    drop(connection);
    let stored = stored_cells(context, &files)?;
    let mut seen = HashSet::new();
    let mut places = Vec::new();
    for PlacedCell { cell, crs } in running.app.cells_over(context.grid.clone(), area).await? {
        let uris = stored.iter().map(String::as_str);
        let cell = context.grid.same_cell(&cell, uris).unwrap_or(cell);
        if !seen.insert(cell.uri.clone()) {
            continue;
        }
        let base = BaseUri::try_new(
            &context.storage,
            &context.layout.name,
            &cell.uri,
            context.instance,
            context.collapsed_record(),
        )?;
        let placed = PlacedCell { cell, crs };
        places.push(Place { placed, base });
    }
    let folders = CellFolders::new(places.iter().map(|place| &place.base));
    Ok((places, Arc::new(folders)))
}

/// URIs of the cells that files of former consolidations were made for, each once.
fn stored_cells(context: &Context, files: &[Uri]) -> Result<Vec<String>> {
    let (mut cells, mut seen) = (Vec::new(), HashSet::new());
    for file in files {
        let cell = BaseUri::cell_of(
            file,
            &context.storage,
            &context.layout.name,
            context.instance,
            context.collapsed_record(),
        )?;
        cells.extend(cell.filter(|cell| seen.insert(cell.clone())));
    }
    Ok(cells)
}
