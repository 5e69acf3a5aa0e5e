//! Grids: how an area is cut into cells of a fixed resolution.
//!
//! A layout names its grid by free parameters. [`GridSpec::parse`] checks them all; a [`Grid`] then
//! lists the [`Cell`]s that cover an area and finds a cell back from its URI. Grids whose cells are
//! stored in the database ([`GridSpec::Custom`]) cut each of their cells by an ordinary [`Grid`].

mod cell;
mod cover;
mod custom;
mod parse;
mod regular;
mod reproject;
mod ring_set;
mod single_cell;
mod sweep;
#[cfg(test)]
mod tests;

pub use cell::Cell;
pub use custom::{CustomGrid, check_cell_ids, check_grid_name};
pub use parse::check_parameter_names;
pub use regular::RegularTiling;
pub use ring_set::RingSet;
pub use single_cell::SingleCellTiling;

use crate::footprint::Project;
use crate::{MultiPolygon, Result};
use std::sync::Arc;

/// The grid of a layout, as its parameters describe it.
#[derive(Clone, Debug, PartialEq)]
pub enum GridSpec {
    /// Cells computed from the parameters.
    Plain(Grid),
    /// Cells stored under the name of a grid, each cut by the same tiling in its own reference
    /// system.
    Custom(CustomGrid),
}

/// A tiling in one reference system.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Reference system, as the caller wrote it: EPSG code, PROJ text or WKT.
    pub crs: Arc<str>,
    /// The cells.
    pub tiling: Tiling,
}

/// Shape of the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tiling {
    /// Cells of equal size, side by side.
    Regular(RegularTiling),
    /// One cell that holds the whole area.
    SingleCell(SingleCellTiling),
}

impl GridSpec {
    /// How cells are cut.
    pub fn tiling(&self) -> &Tiling {
        match self {
            Self::Plain(grid) => &grid.tiling,
            Self::Custom(custom) => &custom.tiling,
        }
    }

    /// The first of some cells, by their URIs, that is `cell` but for less than a pixel. Only grids
    /// whose cells depend on the area have such cells; URIs of other grids are passed over.
    pub fn same_cell<'a>(
        &self,
        cell: &Cell,
        uris: impl IntoIterator<Item = &'a str>,
    ) -> Option<Cell> {
        let Tiling::SingleCell(tiling) = self.tiling() else {
            return None;
        };
        let parsed = |uri: &str| {
            let rest = match self {
                Self::Plain(_) => uri,
                Self::Custom(custom) => {
                    let (id, rest) = custom.split_uri(uri).ok()?;
                    let (own, _) = custom.split_uri(&cell.uri).ok()?;
                    (id == own).then_some(rest)?
                }
            };
            let found = tiling.cell_from_uri(&cell.crs, cell.srid, rest).ok()?;
            let uri = uri.to_owned();
            tiling
                .is_same(cell, &found)
                .then_some(Cell { uri, ..found })
        };
        uris.into_iter().find_map(parsed)
    }
}

impl Grid {
    /// The cells that an area in longitude and latitude overlaps, row by row from the north, each row
    /// from the west.
    ///
    /// `projection` and `srid` are those of [`Grid::crs`]. Edges of the area are straight in
    /// longitude and latitude.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the area is empty, cannot be projected or needs more than the
    /// memory limit of the grid; [`crate::Error::LimitExceeded`] for more than `max_cells` cells.
    pub fn covers(
        &self,
        area: &MultiPolygon,
        srid: i32,
        projection: &dyn Project,
        max_cells: usize,
    ) -> Result<Vec<Cell>> {
        match &self.tiling {
            Tiling::Regular(tiling) => {
                let indices = tiling.covers(area, projection, max_cells)?;
                let cells = indices.into_iter();
                Ok(cells
                    .map(|(i, j)| tiling.cell(&self.crs, srid, i, j))
                    .collect())
            }
            Tiling::SingleCell(tiling) => {
                Ok(vec![tiling.cover(&self.crs, srid, area, projection)?])
            }
        }
    }

    /// The cell of a URI made by this grid.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the text is no URI of such a cell.
    pub fn cell_from_uri(&self, uri: &str, srid: i32) -> Result<Cell> {
        match &self.tiling {
            Tiling::Regular(tiling) => {
                let (i, j) = RegularTiling::parse_uri(uri)?;
                Ok(tiling.cell(&self.crs, srid, i, j))
            }
            Tiling::SingleCell(tiling) => tiling.cell_from_uri(&self.crs, srid, uri),
        }
    }
}

impl Tiling {
    /// Lowers the memory limit of regular tilings to at most `bytes`.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: u64) -> Self {
        match &mut self {
            Self::Regular(tiling) => {
                let limit = tiling.memory_limit.map_or(bytes, |limit| limit.min(bytes));
                tiling.memory_limit = Some(limit);
            }
            Self::SingleCell(_) => {}
        }
        self
    }

    /// Number of segments, separated by `/`, of the URI of a cell.
    fn uri_segments(&self) -> usize {
        match self {
            Self::Regular(_) => 2,
            Self::SingleCell(_) => 4,
        }
    }
}
