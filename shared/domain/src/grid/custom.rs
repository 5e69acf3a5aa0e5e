//! Grids whose cells are stored in the database.

use super::parse::is_reserved;
use super::{Cell, Grid, Tiling};
use crate::{Error, Result, check_name, check_segment};
use std::collections::HashSet;
use std::sync::Arc;

/// Stored cells, each cut by the same tiling in its own reference system.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomGrid {
    /// Name of the stored grid.
    pub name: String,
    /// How a stored cell is cut.
    pub tiling: Tiling,
}

impl CustomGrid {
    /// The grid that cuts a stored cell, whose reference system is `crs`.
    pub fn grid_in(&self, crs: &str) -> Grid {
        Grid {
            crs: Arc::from(crs),
            tiling: self.tiling,
        }
    }

    /// Makes a cell of [`CustomGrid::grid_in`] one of this grid: `<id of the stored cell>/<uri>`.
    pub fn cell_within(&self, stored_id: &str, cell: Cell) -> Cell {
        Cell {
            uri: format!("{stored_id}/{}", cell.uri),
            ..cell
        }
    }

    /// Cuts a URI into the id of the stored cell and the URI within it.
    ///
    /// The id may hold slashes itself: it is what remains in front of the fixed number of segments
    /// of the tiling.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there are not enough segments or the id is malformed.
    pub fn split_uri<'a>(&self, uri: &'a str) -> Result<(&'a str, &'a str)> {
        let (slash, _) = uri
            .rmatch_indices('/')
            .nth(self.tiling.uri_segments() - 1)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "invalid cell uri: {uri:?}, expected <cell id>/<uri in the sub-grid>"
                ))
            })?;
        let (id, rest) = (&uri[..slash], &uri[slash + 1..]);
        check_name("Cell.id", id)?;
        Ok((id, rest))
    }
}

/// Checks the name of a grid to store: one segment, and not the one of a built-in grid.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_grid_name(name: &str) -> Result<()> {
    check_segment("Grid.name", name)?;
    if is_reserved(name) {
        return Err(Error::invalid(format!(
            "Invalid Grid.name: {name:?} is reserved"
        )));
    }
    Ok(())
}

/// Checks the ids of cells to store: well-formed and unique.
///
/// # Errors
/// [`Error::Invalid`], `Duplicate cell-id:<id>` for the second one of a kind.
pub fn check_cell_ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut known = HashSet::new();
    for id in ids {
        check_name("Cell.id", id)?;
        if !known.insert(id) {
            return Err(Error::invalid(format!("Duplicate cell-id:{id}")));
        }
    }
    Ok(())
}
