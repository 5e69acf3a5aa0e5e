//! Areas in longitude and latitude, projected to the reference system of a grid.

use crate::footprint::{Project, from_lonlat};
use crate::{Error, MultiPolygon, Point, Result, Ring};

/// Longest edge that is judged by its middle alone, in degrees.
const LONGEST_STEP: f64 = 5.0;

/// Halvings of one step.
const MAX_DEPTH: u32 = 8;

/// Share of a pixel by which a projected edge may always be off.
const TOLERANCE_PIXELS: f64 = 0.5;

/// Share of its length by which a projected edge may be off: edges up to about one degree stay
/// straight, as they were drawn, and longer ones follow the curve.
const TOLERANCE_LENGTH: f64 = 1.0 / 500.0;

/// Vertices after which edges are no longer refined.
const MAX_VERTICES: usize = 1_000_000;

/// Projects an area. Vertices are added on the edges, which are straight in longitude and latitude,
/// until they are followed to half a pixel or 1/500 of their length.
pub(super) fn project_area(
    area: &MultiPolygon,
    projection: &dyn Project,
    resolution: f64,
) -> Result<MultiPolygon> {
    if area.points().next().is_none() {
        return Err(Error::invalid("Covers: empty AOI"));
    }
    let is_finite = |point: &&Point| point.x.is_finite() && point.y.is_finite();
    if let Some(point) = area.points().find(|point| !is_finite(point)) {
        return Err(Error::invalid(format!(
            "Covers: AOI coordinates must be finite, found {} {}",
            point.x, point.y
        )));
    }
    let mut projected = area.clone();
    let mut vertices = 0;
    for polygon in &mut projected.0 {
        polygon.0.retain(|ring| !ring.0.is_empty());
        for ring in &mut polygon.0 {
            *ring = project_line(
                ring,
                projection,
                TOLERANCE_PIXELS * resolution,
                &mut vertices,
            )?;
        }
    }
    Ok(projected)
}

/// A point in longitude and latitude, and in the reference system.
#[derive(Clone, Copy)]
struct Node {
    lonlat: Point,
    planar: Point,
    /// Whether the edge that begins here may still need vertices.
    open: bool,
}

fn project_line(
    ring: &Ring,
    projection: &dyn Project,
    tolerance: f64,
    vertices: &mut usize,
) -> Result<Ring> {
    let lonlat = stepped(&ring.0);
    let planar = from_lonlat(projection, &lonlat)?;
    let mut nodes: Vec<Node> = lonlat
        .into_iter()
        .zip(planar)
        .map(|(lonlat, planar)| Node {
            lonlat,
            planar,
            open: true,
        })
        .collect();
    for _ in 0..MAX_DEPTH {
        if *vertices + nodes.len() > MAX_VERTICES {
            break;
        }
        let count = nodes.len();
        nodes = refined(&nodes, projection, tolerance)?;
        if nodes.len() == count {
            break;
        }
    }
    *vertices += nodes.len();
    Ok(Ring(nodes.into_iter().map(|node| node.planar).collect()))
}

/// Halves each open edge whose projected middle is off the chord; the others are closed.
fn refined(nodes: &[Node], projection: &dyn Project, tolerance: f64) -> Result<Vec<Node>> {
    let middles: Vec<Point> = nodes
        .windows(2)
        .filter(|edge| edge[0].open)
        .map(|edge| middle(edge[0].lonlat, edge[1].lonlat))
        .collect();
    let planar = from_lonlat(projection, &middles)?;
    let mut projected = middles.into_iter().zip(planar);

    let mut refined = Vec::with_capacity(nodes.len() * 2);
    for edge in nodes.windows(2) {
        let (start, end) = (edge[0], edge[1]);
        let candidate = if start.open { projected.next() } else { None };
        let needed = candidate.filter(|(_, planar)| {
            let (a, b) = (start.planar, end.planar);
            let allowed = tolerance.max(TOLERANCE_LENGTH * (b.x - a.x).hypot(b.y - a.y));
            distance_to_segment(*planar, a, b) > allowed
        });
        refined.push(Node {
            open: needed.is_some(),
            ..start
        });
        refined.extend(needed.map(|(lonlat, planar)| Node {
            lonlat,
            planar,
            open: true,
        }));
    }
    refined.extend(nodes.last());
    Ok(refined)
}

/// Adds vertices so that no edge is longer than [`LONGEST_STEP`].
fn stepped(points: &[Point]) -> Vec<Point> {
    let mut stepped = Vec::with_capacity(points.len());
    for edge in points.windows(2) {
        let (a, b) = (edge[0], edge[1]);
        let length = (b.x - a.x).abs().max((b.y - a.y).abs());
        let steps = (length / LONGEST_STEP).ceil().clamp(1.0, 360.0) as u32;
        for step in 0..steps {
            let t = f64::from(step) / f64::from(steps);
            stepped.push(Point::new(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)));
        }
    }
    stepped.extend(points.last());
    stepped
}

fn middle(a: Point, b: Point) -> Point {
    Point::new(f64::midpoint(a.x, b.x), f64::midpoint(a.y, b.y))
}

fn distance_to_segment(point: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let squared = dx * dx + dy * dy;
    let t = if squared > 0.0 {
        (((point.x - a.x) * dx + (point.y - a.y) * dy) / squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (point.x - (a.x + t * dx)).hypot(point.y - (a.y + t * dy))
}
