//! Custom grids: cells of any shape, stored under a name.

use crate::{App, Limits, Result};
use database::grid::{self, GridSummary, StoredCell};
use database::in_transaction;
use domain::footprint::{ambiguous_edge, halve_meridians};
use domain::grid::{check_cell_ids, check_grid_name};
use domain::{Error, Pattern, Point, Polygon, Ring};
use imaging::Crs;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A cell to store.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCell {
    /// Unique within its grid.
    pub id: String,
    /// Reference system: EPSG code, PROJ text or WKT.
    pub crs: Arc<str>,
    /// Outline in longitude and latitude.
    pub outline: Ring,
}

/// Vertices that cells have on average, at most: outlines are held until the grid is stored.
const VERTICES_PER_CELL: u64 = 16;

/// Bytes of its id and of a reference system of its own that a cell has on average, at most.
const TEXT_PER_CELL: u64 = 64;

/// Bytes of texts that any grid may have.
const LEAST_TEXT: u64 = 1 << 20;

/// Longest text of a reference system, in bytes.
const LONGEST_CRS: usize = 16 << 10;

/// A grid to store, as it grows by the pieces that a caller sends.
#[derive(Clone, Debug, Default)]
pub struct NewGrid {
    name: String,
    description: String,
    cells: Vec<NewCell>,
    vertices: usize,
    /// Reference systems, each once.
    systems: HashSet<Arc<str>>,
    /// Bytes of the ids and of the reference systems.
    text: usize,
}

impl NewGrid {
    /// Adds a piece. Name and description of the first one count.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a malformed name, cell id, outline or length of a reference system; [`Error::LimitExceeded`]
    /// above the number of cells that a grid may have.
    pub fn add(
        &mut self,
        name: String,
        description: String,
        mut cells: Vec<NewCell>,
        limits: &Limits,
    ) -> domain::Result<()> {
        check_grid_name(&name)?;
        check_cell_ids(cells.iter().map(|cell| cell.id.as_str()))?;
        for cell in &mut cells {
            check_outline(cell)?;
            self.share_system(cell)?;
            self.text += cell.id.len();
            let vertices = cell.outline.0.len();
            Limits::check(
                "vertices of one cell (maxAoiVertices)",
                vertices as u64,
                limits.aoi_vertices as u64,
            )?;
            self.vertices += vertices;
        }
        Limits::check(
            "vertices in one grid (16 for each of maxGridCells)",
            self.vertices as u64,
            (limits.grid_cells as u64).saturating_mul(VERTICES_PER_CELL),
        )?;
        Limits::check(
            "bytes of cell ids and reference systems in one grid (64 for each of maxGridCells)",
            self.text as u64,
            (limits.grid_cells as u64)
                .saturating_mul(TEXT_PER_CELL)
                .max(LEAST_TEXT),
        )?;
        if self.name.is_empty() {
            (self.name, self.description) = (name, description);
        }
        self.cells.extend(cells);
        Limits::check(
            "cells in one grid (maxGridCells)",
            self.cells.len() as u64,
            limits.grid_cells as u64,
        )
    }

    /// Memory of the cells while they are stored, about.
    fn bytes(&self) -> u64 {
        let cells = self.cells.len() * (size_of::<NewCell>() + size_of::<StoredCell>());
        (cells + self.vertices * size_of::<Point>() + self.text) as u64
    }

    /// Holds the text of the reference system of a cell once for all the cells that have it.
    fn share_system(&mut self, cell: &mut NewCell) -> domain::Result<()> {
        if let Some(known) = self.systems.get(&cell.crs) {
            cell.crs = Arc::clone(known);
            return Ok(());
        }
        let bytes = cell.crs.len();
        if bytes > LONGEST_CRS {
            return Err(Error::invalid(format!(
                "Invalid Cell.crs of {}: {bytes} bytes, expected at most {LONGEST_CRS}",
                cell.id
            )));
        }
        self.systems.insert(Arc::clone(&cell.crs));
        self.text += bytes;
        Ok(())
    }
}

/// Checks an outline, whose edges are great circles.
fn check_outline(cell: &mut NewCell) -> domain::Result<()> {
    let ring = &cell.outline.0;
    if ring.len() < 4 || ring.first() != ring.last() {
        return Err(Error::invalid(format!(
            "Invalid Cell.coordinates of {}: expected a closed ring of at least 4 points (geometry_valid_check)",
            cell.id
        )));
    }
    let outside = ring
        .iter()
        .find(|point| !(-180.0..=180.0).contains(&point.x) || !(-90.0..=90.0).contains(&point.y));
    if let Some(point) = outside {
        return Err(Error::invalid(format!(
            "Invalid Cell.coordinates of {}: {} {}, expected longitudes in [-180, 180] and latitudes in [-90, 90]",
            cell.id, point.x, point.y
        )));
    }
    halve_meridians(&mut cell.outline);
    match ambiguous_edge(&cell.outline) {
        None => Ok(()),
        Some((a, b)) => Err(Error::invalid(format!(
            "Invalid Cell.coordinates of {}: {} {} and {} {} are opposite points of the globe, which no edge can join",
            cell.id, a.x, a.y, b.x, b.y
        ))),
    }
}

impl App {
    /// Stores a grid with its cells, as soon as they fit into the memory for images.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a reference system or outline that cannot be used, or without any
    /// piece; [`Error::AlreadyExists`] when the name is taken or a cell comes twice.
    pub async fn create_grid(&self, new: NewGrid) -> Result<()> {
        if new.name.is_empty() {
            return Err(Error::invalid("grid is missing: expected at least one message").into());
        }
        let _held = self.engine().reserve(new.bytes()).await?;
        let NewGrid {
            name,
            description,
            cells,
            vertices: _,
            systems: _,
            text: _,
        } = new;
        let cells = self.engine().run(move |_| {
            let mut srids = HashMap::new();
            let stored = |cell| stored(cell, &mut srids);
            cells.into_iter().map(stored).collect()
        });
        let (cells, summary): (Arc<[StoredCell]>, _) =
            (cells.await?, GridSummary { name, description });
        Ok(in_transaction(self.database(), |tx| {
            let (summary, cells) = (summary.clone(), Arc::clone(&cells));
            Box::pin(async move { grid::create(tx, &summary, &cells).await })
        })
        .await?)
    }

    /// Lists grids by name, without their cells.
    ///
    /// # Errors
    /// [`domain::Error::LimitExceeded`] when there are more than the service answers.
    pub async fn list_grids(&self, name: Option<&Pattern>) -> Result<Vec<GridSummary>> {
        let mut connection = self.database().read().await?;
        Ok(grid::list(&mut connection, name, self.limits().datasets).await?)
    }

    /// Deletes a grid with its cells; an unknown name is a success.
    pub async fn delete_grid(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        Ok(in_transaction(self.database(), |tx| {
            let name = name.clone();
            Box::pin(async move { grid::delete(tx, &name).await })
        })
        .await?)
    }
}

/// A cell to store; each reference system is read once.
fn stored(cell: NewCell, srids: &mut HashMap<Arc<str>, i32>) -> Result<StoredCell> {
    let NewCell { id, crs, outline } = cell;
    let srid = match srids.get(&crs) {
        Some(srid) => *srid,
        None => *srids
            .entry(Arc::clone(&crs))
            .or_insert(Crs::parse(&crs)?.srid()),
    };
    let outline = Polygon(vec![outline]);
    Ok(StoredCell {
        id,
        crs,
        srid,
        outline,
    })
}

#[cfg(test)]
mod tests {
    use super::{NewCell, NewGrid};
    use crate::Limits;
    use domain::{Point, Ring};
    use std::sync::Arc;

    fn cell(id: &str, points: &[(f64, f64)]) -> NewCell {
        let outline = Ring(points.iter().map(|(x, y)| Point::new(*x, *y)).collect());
        NewCell {
            id: id.to_owned(),
            crs: "4326".into(),
            outline,
        }
    }

    const SQUARE: [(f64, f64); 5] = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)];

    fn add(grid: &mut NewGrid, name: &str, cells: Vec<NewCell>) -> domain::Result<()> {
        let limits = Limits {
            grid_cells: 3,
            ..Limits::default()
        };
        grid.add(name.to_owned(), format!("about {name}"), cells, &limits)
    }

    #[test]
    fn outlines_along_great_circles_are_told_apart() {
        const ZONE: [(f64, f64); 5] = [
            (0.0, -90.0),
            (0.0, 90.0),
            (6.0, 90.0),
            (6.0, -90.0),
            (0.0, -90.0),
        ];
        let mut grid = NewGrid::default();
        add(&mut grid, "g", vec![cell("a", &ZONE)]).unwrap();
        let middles = [1, 4].map(|at| grid.cells[0].outline.0[at]);
        assert_eq!(middles, [Point::new(0.0, 0.0), Point::new(6.0, 0.0)]);
        let half = [
            (-90.0, 10.0),
            (0.0, 80.0),
            (90.0, -10.0),
            (0.0, -80.0),
            (-90.0, 10.0),
        ];
        add(&mut grid, "g", vec![cell("b", &half)]).unwrap();
        let opposite = [(-90.0, 10.0), (90.0, -10.0), (0.0, 80.0), (-90.0, 10.0)];
        let error = add(&mut grid, "g", vec![cell("c", &opposite)]).unwrap_err();
        let expected =
            "Invalid Cell.coordinates of c: -90 10 and 90 -10 are opposite points of the globe";
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn the_first_piece_gives_the_name_and_all_give_cells() {
        let mut grid = NewGrid::default();
        add(&mut grid, "g1", vec![cell("a", &SQUARE)]).unwrap();
        add(&mut grid, "g2", vec![cell("b", &SQUARE)]).unwrap();
        assert_eq!(
            (grid.name.as_str(), grid.description.as_str()),
            ("g1", "about g1")
        );
        assert_eq!(grid.cells.len(), 2);
    }

    #[test]
    fn malformed_pieces_are_refused() {
        let open = &SQUARE[..4];
        let far = [(0.0, 0.0), (0.0, 1.0), (400.0, 1.0), (0.0, 0.0)];
        let nan = [(0.0, 0.0), (0.0, f64::NAN), (1.0, 1.0), (0.0, 0.0)];
        for (name, cells) in [
            ("g/3", vec![]),
            ("Regular", vec![]),
            ("g", vec![cell("a b", &SQUARE)]),
            ("g", vec![cell("a", &SQUARE), cell("a", &SQUARE)]),
            ("g", vec![cell("a", open)]),
            ("g", vec![cell("a", &[])]),
            ("g", vec![cell("a", &far)]),
            ("g", vec![cell("a", &nan)]),
            (
                "g",
                ["a", "b", "c", "d"].map(|id| cell(id, &SQUARE)).to_vec(),
            ),
        ] {
            let refused = add(&mut NewGrid::default(), name, cells.clone());
            assert!(refused.is_err(), "{name} {cells:?}");
        }
    }

    #[test]
    fn a_reference_system_is_held_once_and_has_a_bounded_length() {
        let with_system = |id: &str, crs: &str| NewCell {
            crs: crs.into(),
            ..cell(id, &SQUARE)
        };
        let mut grid = NewGrid::default();
        let long = "x".repeat(super::LONGEST_CRS);
        let same = ["a", "b"].map(|id| with_system(id, &long));
        add(&mut grid, "g", same.to_vec()).unwrap();
        add(&mut grid, "g", vec![with_system("c", &long)]).unwrap();
        assert_eq!(grid.text, 3 + long.len());
        assert!(
            grid.cells
                .iter()
                .all(|cell| Arc::ptr_eq(&cell.crs, &grid.cells[0].crs))
        );
        let longer = with_system("d", &(long + "x"));
        let refused = add(&mut NewGrid::default(), "g", vec![longer]).unwrap_err();
        assert!(refused.to_string().contains("Cell.crs of d"), "{refused}");
    }

    #[test]
    fn the_texts_of_a_grid_are_counted_over_all_pieces() {
        let (mut grid, limits) = (NewGrid::default(), Limits::default());
        let piece = |number: usize| NewCell {
            crs: format!("{number:0width$}", width = super::LONGEST_CRS).into(),
            ..cell(&format!("c{number}"), &SQUARE)
        };
        let refused = (0..)
            .map(|number| grid.add("g".to_owned(), String::new(), vec![piece(number)], &limits))
            .find_map(Result::err)
            .unwrap();
        assert!(
            refused.to_string().contains("reference systems"),
            "{refused}"
        );
        // 64 for each of a million cells
        assert_eq!(grid.text as u64 / 1_000_000, 64);
    }
}
