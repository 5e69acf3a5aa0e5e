//! Tiles of an area of interest.

use super::PlacedCell;
use super::layout::{check_grid, check_layout};
use crate::{App, Result};
use domain::grid::Cell;
use domain::{AoiGeometry, Layout};
use futures::stream::{self, Stream};
use imaging::Crs;

/// Tiles of one piece of an answer; the last piece has fewer, possibly none.
const PIECE: usize = 1000;

/// A rectangle of pixels on the ground.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The cell.
    pub cell: Cell,
    crs: Crs,
}

impl Tile {
    /// Its reference system as WKT.
    pub fn wkt(&self) -> &str {
        self.crs.to_wkt()
    }
}

impl App {
    /// Cuts an area into the cells of the grid of a layout, each once, in pieces of 1000 and a last
    /// one with the rest.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] for a malformed layout or grid, [`domain::Error::LimitExceeded`]
    /// when there are more cells than the service answers.
    pub async fn tile_aoi(
        &self,
        aoi: AoiGeometry,
        layout: &Layout,
    ) -> Result<impl Stream<Item = Result<Vec<Tile>>> + Send + 'static + use<>> {
        check_layout(layout)?;
        let spec = check_grid(layout)?;
        let cells = self.cells_over(spec, aoi.polygons().clone()).await?;
        Ok(stream::iter(pieces(cells)))
    }
}

fn pieces(cells: Vec<PlacedCell>) -> impl Iterator<Item = Result<Vec<Tile>>> + Send + 'static {
    let full = cells.len() / PIECE;
    let tile = |PlacedCell { cell, crs }| Tile { cell, crs };
    let mut tiles = cells.into_iter().map(tile);
    (0..=full).map(move |_| Ok(tiles.by_ref().take(PIECE).collect()))
}
