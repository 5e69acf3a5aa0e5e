//! Custom grids.

use super::aoi::ring;
use super::{required, text};
use crate::pb;
use app::{Limits, NewCell, NewGrid};
use domain::Result;

/// Adds the cells of one message of a stream to a grid.
pub(crate) fn add_cells(
    grid: &mut NewGrid,
    piece: pb::CreateGridRequest,
    limits: &Limits,
) -> Result<()> {
    let piece = required("grid", piece.grid)?;
    let cells = piece.cells.into_iter().map(new_cell);
    let cells = cells.collect::<Result<_>>()?;
    let description = text("Grid.description", piece.description)?;
    grid.add(piece.name, description, cells, limits)
}

fn new_cell(cell: pb::Cell) -> Result<NewCell> {
    let outline = ring(required("Cell.coordinates", cell.coordinates)?);
    Ok(NewCell {
        id: cell.id,
        crs: text("Cell.crs", cell.crs)?.into(),
        outline,
    })
}
