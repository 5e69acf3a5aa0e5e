//! Unit squares that polygons overlap, found row by row.
//!
//! A square is overlapped when an edge passes through its interior, or when no edge does but its
//! middle is inside a polygon. Touching a border is not enough.

use crate::{Error, MultiPolygon, Point, Polygon, Result};

/// Positions this close to a border of squares lie on it: rounding errors must not add neighbours.
const BORDER_TOLERANCE: f64 = 1e-9;

/// Edges visited in all rows together, about a second of work. An outline along the cells needs a
/// few for each cell; only one that runs up and down many times comes near.
const MAX_VISITS: usize = 20_000_000;

/// Moves a position to the border of squares that it lies on, but for rounding errors.
pub(super) fn on_border(position: f64) -> f64 {
    let border = position.round();
    if (position - border).abs() <= BORDER_TOLERANCE * border.abs().max(1.0) {
        border
    } else {
        position
    }
}

/// Column and row of every unit square that the polygons overlap, row after row.
///
/// Coordinates must be finite and below 2^31. Polygons without area that lie on a border between
/// squares give the squares to the right of and below their vertices.
///
/// # Errors
/// [`Error::LimitExceeded`] for more than `max_cells` squares, or when an outline is too intricate.
pub(super) fn sweep(area: &MultiPolygon, max_cells: usize) -> Result<Vec<(i32, i32)>> {
    let mut edges = edges(area);
    edges.sort_by(|a, b| a.top.total_cmp(&b.top));
    let mut waiting = edges.into_iter().peekable();
    let mut active: Vec<Edge> = Vec::new();
    let mut cells = Vec::new();
    let mut row = f64::NEG_INFINITY;
    let (mut rows, mut visits) = (0, 0);
    loop {
        if active.is_empty() {
            // gaps between polygons may be long
            let Some(next) = waiting.peek() else { break };
            row = row.max(next.top.floor());
        }
        while let Some(edge) = waiting.next_if(|edge| edge.top < row + 1.0) {
            active.push(edge);
        }
        visits += active.len();
        if visits > MAX_VISITS {
            return Err(Error::LimitExceeded(format!(
                "Covers: the outline of the AOI crosses rows of cells more than {MAX_VISITS} times"
            )));
        }
        let columns = columns_of_row(&active, row);
        let found: f64 = columns.iter().map(|(first, end)| end - first).sum();
        // a polygon without area may pass along borders only: rows count as well
        rows += 1;
        if found + cells.len() as f64 > max_cells as f64 || rows > max_cells {
            return Err(Error::LimitExceeded(format!(
                "Covers: the AOI overlaps more than {max_cells} cells (maxGridCells)"
            )));
        }
        for (first, end) in columns {
            cells.extend((first as i32..end as i32).map(|column| (column, row as i32)));
        }
        row += 1.0;
        active.retain(|edge| edge.bottom > row);
    }
    if cells.is_empty() {
        cells.extend(squares_of_vertices(area).into_iter().take(max_cells));
    }
    Ok(cells)
}

/// An edge from its upper to its lower end, rows grow downwards.
#[derive(Clone, Copy)]
struct Edge {
    polygon: usize,
    top: f64,
    bottom: f64,
    top_column: f64,
    bottom_column: f64,
}

impl Edge {
    fn new(polygon: usize, a: Point, b: Point) -> Self {
        let (upper, lower) = if a.y <= b.y { (a, b) } else { (b, a) };
        Self {
            polygon,
            top: upper.y,
            bottom: lower.y,
            top_column: upper.x,
            bottom_column: lower.x,
        }
    }

    fn column_at(&self, row: f64) -> f64 {
        if row <= self.top {
            self.top_column
        } else if row >= self.bottom {
            self.bottom_column
        } else {
            let t = (row - self.top) / (self.bottom - self.top);
            on_border(self.top_column + t * (self.bottom_column - self.top_column))
        }
    }
}

/// The edges that can pass through a square: not those along a border between rows.
fn edges(area: &MultiPolygon) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (index, polygon) in area.0.iter().enumerate() {
        for edge in polygon.0.iter().flat_map(|ring| ring.0.windows(2)) {
            let edge = Edge::new(index, edge[0], edge[1]);
            if edge.top < edge.bottom || edge.top.fract() != 0.0 {
                edges.push(edge);
            }
        }
    }
    edges
}

/// Disjoint ranges of columns, ascending; the end is excluded.
fn columns_of_row(active: &[Edge], row: f64) -> Vec<(f64, f64)> {
    let mut ranges: Vec<(f64, f64)> = active
        .iter()
        .filter_map(|edge| columns_of_edge(edge, row))
        .collect();
    ranges.extend(columns_inside(active, row + 0.5));
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranges.dedup_by(|next, merged| {
        let joined = next.0 <= merged.1;
        if joined {
            merged.1 = merged.1.max(next.1);
        }
        joined
    });
    ranges
}

/// Columns of the squares whose interior the edge passes through.
fn columns_of_edge(edge: &Edge, row: f64) -> Option<(f64, f64)> {
    let horizontal = edge.top == edge.bottom;
    let inside_row = edge.top < row + 1.0 && (edge.bottom > row || horizontal);
    if !inside_row {
        return None;
    }
    // a horizontal edge has no single column at its row
    let (a, b) = if horizontal {
        (edge.top_column, edge.bottom_column)
    } else {
        (edge.column_at(row), edge.column_at(row + 1.0))
    };
    let (left, right) = (a.min(b), a.max(b));
    let (first, end) = (left.floor(), right.ceil());
    // along a border of squares both are equal, and the edge passes through none
    (first < end).then_some((first, end))
}

/// Columns of the squares that overlap a polygon on the line at `row`, for each polygon by itself.
fn columns_inside(active: &[Edge], row: f64) -> Vec<(f64, f64)> {
    let mut crossings: Vec<(usize, f64)> = active
        .iter()
        .filter(|edge| edge.top <= row && edge.bottom > row)
        .map(|edge| (edge.polygon, edge.column_at(row)))
        .collect();
    crossings.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    crossings
        .chunk_by(|a, b| a.0 == b.0)
        .flat_map(|polygon| polygon.chunks_exact(2))
        .map(|pair| (pair[0].1.floor(), pair[1].1.ceil()))
        .filter(|(first, end)| first < end)
        .collect()
}

fn squares_of_vertices(area: &MultiPolygon) -> Vec<(i32, i32)> {
    let vertices = area.0.iter().flat_map(|Polygon(rings)| rings);
    let mut squares: Vec<(i32, i32)> = vertices
        .flat_map(|ring| &ring.0)
        .map(|vertex| (vertex.y.floor() as i32, vertex.x.floor() as i32))
        .collect();
    squares.sort_unstable();
    squares.dedup();
    squares
        .into_iter()
        .map(|(row, column)| (column, row))
        .collect()
}
