//! The cells of a grid that an area overlaps.

use crate::{App, Result};
use database::grid;
use domain::footprint::Project;
use domain::grid::{Cell, Grid, GridSpec, RingSet};
use domain::{Entity, Error, MultiPolygon, Point, Polygon};
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
    /// Whether the area may lie on both sides of the dateline, as one cell.
    crosses_dateline: bool,
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
            .run(move |abandoned| {
                let mut rings = RingSet::default();
                let mut cells = Vec::new();
                for part in parts {
                    if abandoned() {
                        return Err(crate::Error::Cancelled("the caller has left".to_owned()));
                    }
                    let crs = Crs::parse(&part.grid.crs)?;
                    let mut covered = Vec::new();
                    for area in part.areas(&crs)? {
                        covered.extend(part.grid.covers(&area, crs.srid(), &crs, max_cells)?);
                    }
                    for cell in covered {
                        if !rings.insert(&cell.geographic_ring(&crs)?) {
                            continue;
                        }
                        let cell = match (&spec, &part.within) {
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
                    crosses_dateline: false,
                }]);
            }
            GridSpec::Custom(custom) => custom,
        };
        let mut connection = self.database().read().await?;
        if !grid::exists(&mut connection, &custom.name).await? {
            return Err(Error::not_found(Entity::Grid, "name", &custom.name).into());
        }
        // given back between the pieces
        drop(connection);
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let mut connection = self.database().read().await?;
            let (found, next) =
                grid::cells_on(&mut connection, &custom.name, &area, after.as_deref()).await?;
            drop(connection);
            parts.extend(found.into_iter().map(|part| Part {
                grid: custom.grid_in(&part.crs),
                within: Some(part.id),
                area: part.area,
                crosses_dateline: part.crosses_dateline,
            }));
            // each part has a cell at least
            let (count, most) = (parts.len() as u64, self.limits().grid_cells as u64);
            crate::Limits::check("cells (maxGridCells)", count, most)?;
            after = next;
            if after.is_none() {
                return Ok(parts);
            }
        }
    }
}

impl Part {
    /// The area, in as many pieces as there are places of it in the plane of a reference system: two
    /// for an area on both sides of the dateline, where the plane ends.
    fn areas(&self, crs: &Crs) -> Result<Vec<MultiPolygon>> {
        if !self.crosses_dateline || goes_on_at_dateline(crs, &self.area)? {
            return Ok(vec![self.area.clone()]);
        }
        let is_east = |polygon: &&Polygon| {
            let bounds = MultiPolygon(vec![(*polygon).clone()]).bounds();
            bounds.is_some_and(|(min, max)| min.x + max.x >= 0.0)
        };
        let (east, west): (Vec<&Polygon>, Vec<&Polygon>) = self.area.0.iter().partition(is_east);
        let sides = [east, west].into_iter().filter(|side| !side.is_empty());
        Ok(sides
            .map(|side| MultiPolygon(side.into_iter().cloned().collect()))
            .collect())
    }
}

/// Whether both sides of the dateline are neighbours in the plane of a reference system, at the
/// latitude of an area.
fn goes_on_at_dateline(crs: &Crs, area: &MultiPolygon) -> Result<bool> {
    let Some((min, max)) = area.bounds() else {
        return Ok(true);
    };
    let y = f64::midpoint(min.y, max.y);
    // a thousandth of a degree from it, so that no side is taken for the other one
    let sides = [Point::new(179.999, y), Point::new(-179.999, y)];
    let step = [Point::new(179.997, y), Point::new(179.999, y)];
    let across = crs.from_lonlat(&sides)?;
    let along = crs.from_lonlat(&step)?;
    let distance = |points: &[Point]| (points[0].x - points[1].x).hypot(points[0].y - points[1].y);
    Ok(distance(&across) < 10.0 * distance(&along))
}
