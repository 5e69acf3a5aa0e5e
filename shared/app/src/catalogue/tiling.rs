//! Tiles of an area of interest.

use super::layout::{check_grid, check_layout};
use crate::{App, Result};
use domain::grid::{Cell, GridSpec, RingSet};
use domain::{AoiGeometry, Error, Layout};
use futures::stream::{self, Stream};
use imaging::Crs;
use std::sync::Arc;

/// Tiles of one piece of an answer; the last piece has fewer, possibly none.
const PIECE: usize = 1000;

/// A rectangle of pixels on the ground.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The cell.
    pub cell: Cell,
    /// Its reference system as WKT.
    pub wkt: Arc<str>,
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
        let GridSpec::Plain(grid) = check_grid(layout)? else {
            return Err(Error::invalid("grid_parameters.grid: custom grids are not served yet, expected regular or singlecell").into());
        };
        let max_cells = self.limits().grid_cells;
        let tiles = self.engine().run(move |_| {
            let crs = Crs::parse(&grid.crs)?;
            let wkt: Arc<str> = crs.to_wkt().into();
            let mut rings = RingSet::default();
            let mut tiles = Vec::new();
            for cell in grid.covers(aoi.polygons(), crs.srid(), &crs, max_cells)? {
                if rings.insert(&cell.geographic_ring(&crs)?) {
                    tiles.push(Tile {
                        cell,
                        wkt: Arc::clone(&wkt),
                    });
                }
            }
            Ok(tiles)
        });
        Ok(stream::iter(pieces(tiles.await?)))
    }
}

fn pieces(tiles: Vec<Tile>) -> impl Iterator<Item = Result<Vec<Tile>>> + Send + 'static {
    let full = tiles.len() / PIECE;
    let mut tiles = tiles.into_iter();
    (0..=full).map(move |_| Ok(tiles.by_ref().take(PIECE).collect()))
}
