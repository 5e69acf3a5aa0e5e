//! The cells of a grid that an area overlaps.

use crate::{App, Result};
use database::grid;
use domain::grid::{Cell, Grid, GridSpec, RingSet};
use domain::{Entity, Error, MultiPolygon};
use imaging::Crs;

/// A cell and the reference system that it is drawn in.
#[derive(Clone, Debug)]
pub(crate) struct PlacedCell {
    /// The cell.
    pub cell: Cell,
    /// Its reference system.
    pub crs: Crs,
}

/// A part of an area, and the grid that cuts it.
struct Part {
    grid: Grid,
    /// Id of the stored cell that the grid cuts; none for a grid of its own.
    within: Option<String>,
    area: MultiPolygon,
}

impl App {
    /// The cells that an area in longitude and latitude overlaps, each place once. Cells of a
    /// custom grid are read from the catalogue and cut by the grid of the specification.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown custom grid, [`Error::LimitExceeded`] when there are more
    /// cells than one request may have, [`Error::Invalid`] for a reference system that cannot be
    /// used.
    pub(crate) async fn cells_over(
        &self,
        spec: GridSpec,
        area: MultiPolygon,
    ) -> Result<Vec<PlacedCell>> {
        let max_cells = self.limits().grid_cells;
        let parts = self.parts(&spec, area).await?;
        self.engine()
            .run(move |_| {
                let mut rings = RingSet::default();
                let mut cells = Vec::new();
                for Part { grid, within, area } in parts {
                    let crs = Crs::parse(&grid.crs)?;
                    for cell in grid.covers(&area, crs.srid(), &crs, max_cells)? {
                        if !rings.insert(&cell.geographic_ring(&crs)?) {
                            continue;
                        }
                        let cell = match (&spec, &within) {
                            (GridSpec::Custom(custom), Some(id)) => custom.cell_within(id, cell),
                            (GridSpec::Custom(_) | GridSpec::Plain(_), _) => cell,
                        };
                        let crs = crs.clone();
                        cells.push(PlacedCell { cell, crs });
                    }
                    crate::Limits::check(
                        "cells (maxGridCells)",
                        cells.len() as u64,
                        max_cells as u64,
                    )?;
                }
                Ok(cells)
            })
            .await
    }

    async fn parts(&self, spec: &GridSpec, area: MultiPolygon) -> Result<Vec<Part>> {
        let custom = match spec {
            GridSpec::Plain(grid) => {
                let grid = grid.clone();
                return Ok(vec![Part {
                    grid,
                    within: None,
                    area,
                }]);
            }
            GridSpec::Custom(custom) => custom,
        };
        let mut connection = self.database().read().await?;
        if !grid::exists(&mut connection, &custom.name).await? {
            return Err(Error::not_found(Entity::Grid, "name", &custom.name).into());
        }
        let parts = grid::cells_on(&mut connection, &custom.name, &area).await?;
        let part = |part: grid::CellPart| Part {
            grid: custom.grid_in(&part.crs),
            within: Some(part.id),
            area: part.area,
        };
        Ok(parts.into_iter().map(part).collect())
    }
}
