//! What the tests of grids share.

mod cell;
mod cover;
mod parameter;

use super::{Cell, Grid, GridSpec};
use crate::footprint::Project;
use crate::{MultiPolygon, Point, Ring};
use std::collections::BTreeMap;

const MANY: usize = 1_000_000;

const REGULAR: [(&str, &str); 4] = [
    ("grid", "Regular"),
    ("crs", "EPSG:32631"),
    ("cell_size", "1024"),
    ("resolution", "30"),
];

const SINGLE: [(&str, &str); 3] = [
    ("grid", "singleCell"),
    ("crs", "32631"),
    ("resolution", "10"),
];

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn parse(pairs: &[(&str, &str)]) -> crate::Result<GridSpec> {
    GridSpec::parse(&parameters(pairs))
}

#[track_caller]
fn plain(pairs: &[(&str, &str)]) -> Grid {
    match parse(pairs).unwrap() {
        GridSpec::Plain(grid) => grid,
        GridSpec::Custom(grid) => panic!("{grid:?}"),
    }
}

/// `base` with some parameters set.
fn with<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [base, more].concat()
}

fn rectangle(x: (f64, f64), y: (f64, f64)) -> Ring {
    Ring::rectangle(Point::new(x.0, y.0), Point::new(x.1, y.1))
}

fn alps() -> MultiPolygon {
    rectangle((5.8, 6.6), (44.5, 45.1)).into()
}

fn covers(grid: &Grid, area: &MultiPolygon, projection: &dyn Project) -> Vec<Cell> {
    grid.covers(area, 32631, projection, MANY).unwrap()
}

fn uris(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(|cell| cell.uri.as_str()).collect()
}
