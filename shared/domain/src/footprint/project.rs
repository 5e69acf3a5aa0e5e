//! Projection of a ring to longitudes and latitudes, with continuous longitudes and enough vertices.

use super::ring::open_vertices;
use super::sphere::{distance, great_circle_middle, middle, wrap};
use crate::{Error, Point, Result, Ring};

/// A planar reference system, x (easting or longitude) first.
///
/// Both directions keep number and order of the points. A point without image is an error or a
/// pair of non-finite numbers; either is refused by the callers.
pub trait Project {
    /// From the reference system to longitude and latitude in degrees.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a point has no image.
    fn to_lonlat(&self, points: &[Point]) -> Result<Vec<Point>>;

    /// From longitude and latitude in degrees to the reference system.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a point has no image.
    #[expect(
        clippy::wrong_self_convention,
        reason = "the two directions are named after each other"
    )]
    fn from_lonlat(&self, points: &[Point]) -> Result<Vec<Point>>;
}

/// What joins two vertices of a projected ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// Shortest way on the sphere, as in a geography.
    GreatCircle,
    /// Straight in longitude and latitude, as in a planar geometry.
    Straight,
}

/// Largest absolute longitude that is still accepted: ten revolutions.
const MAX_LONGITUDE: f64 = 3600.0;

/// Latitudes beyond a pole by up to half a pixel of a coarse global raster are moved to the pole.
const POLE_MARGIN: f64 = 5.0;

/// Halvings of an edge: at most 2^6 - 1 vertices are added.
const DENSIFY_DEPTH: u32 = 5;

/// Halvings of an edge that turns by more than a quarter around the axis.
const UNROLL_DEPTH: u32 = 6;

/// Largest share of the length of an edge by which the projected edge may leave the drawn one.
const EDGE_TOLERANCE: f64 = 0.01;

/// Edges whose tolerance is below this length, in metres, need no vertex.
const SMALLEST_TOLERANCE_M: f64 = 1.0;

/// Projects a ring, adding vertices where an edge is curved by more than 1 % of its length.
///
/// Longitudes are continuous along the ring, starting with the one of the first vertex, so that they
/// may leave [-180, 180]. A ring around a pole is closed over the pole.
///
/// # Errors
/// [`Error::Invalid`] for fewer than three vertices, and when a vertex or the middle of an edge has
/// no finite image, or one that is no longitude and latitude.
pub fn project_ring(ring: &Ring, projection: &dyn Project, edges: Edges) -> Result<Ring> {
    let vertices = open_vertices(ring);
    if vertices.len() < 3 {
        let count = vertices.len();
        return Err(Error::invalid(format!(
            "outline must have at least 3 vertices, found {count}"
        )));
    }
    let outline = unroll(vertices, projection)?;

    let mut projected = Vec::with_capacity(outline.len() + 3);
    for edge in &outline {
        projected.push(edge.start.lonlat);
        let length = distance(edge.start.lonlat, edge.middle.lonlat)
            + distance(edge.middle.lonlat, edge.end.lonlat);
        let densifier = Densifier {
            projection,
            edges,
            tolerance_m: EDGE_TOLERANCE * length,
        };
        if densifier.tolerance_m >= SMALLEST_TOLERANCE_M {
            densifier.add_vertices(edge.start, edge.end, DENSIFY_DEPTH, &mut projected)?;
        }
    }
    close(&mut projected, &outline);
    Ok(Ring(projected))
}

/// Projects points and refuses what is no longitude and latitude.
pub(crate) fn to_lonlat(projection: &dyn Project, points: &[Point]) -> Result<Vec<Point>> {
    let mut projected = checked(points, projection.to_lonlat(points)?)?;
    for (point, source) in projected.iter_mut().zip(points) {
        if point.x.abs() > MAX_LONGITUDE || point.y.abs() > 90.0 + POLE_MARGIN {
            return Err(Error::invalid(format!(
                "{} {} has no longitude and latitude: found {} {}",
                source.x, source.y, point.x, point.y
            )));
        }
        point.y = point.y.clamp(-90.0, 90.0);
    }
    Ok(projected)
}

/// Projects longitudes and latitudes and refuses what has no finite image.
pub(crate) fn from_lonlat(projection: &dyn Project, points: &[Point]) -> Result<Vec<Point>> {
    checked(points, projection.from_lonlat(points)?)
}

fn checked(points: &[Point], projected: Vec<Point>) -> Result<Vec<Point>> {
    if projected.len() != points.len() {
        return Err(Error::invalid(format!(
            "projection of {} points gave {}",
            points.len(),
            projected.len()
        )));
    }
    let lost = projected
        .iter()
        .position(|point| !(point.x.is_finite() && point.y.is_finite()));
    match lost.and_then(|index| points.get(index)) {
        Some(point) => Err(Error::invalid(format!(
            "{} {} cannot be projected",
            point.x, point.y
        ))),
        None => Ok(projected),
    }
}

/// A point in the reference system and on the globe.
#[derive(Clone, Copy)]
struct Node {
    planar: Point,
    lonlat: Point,
}

impl Node {
    fn turned(self, degrees: f64) -> Self {
        let lonlat = Point::new(self.lonlat.x + degrees, self.lonlat.y);
        Self { lonlat, ..self }
    }
}

#[derive(Clone, Copy)]
struct Edge {
    start: Node,
    middle: Node,
    end: Node,
}

/// Projects the vertices and makes their longitudes continuous.
fn unroll(vertices: &[Point], projection: &dyn Project) -> Result<Vec<Edge>> {
    let count = vertices.len();
    let mut planar = vertices.to_vec();
    planar.extend((0..count).map(|i| middle(vertices[i], vertices[(i + 1) % count])));
    let lonlat = to_lonlat(projection, &planar)?;
    let node = |index: usize| Node {
        planar: planar[index],
        lonlat: lonlat[index],
    };

    let mut turned = 0.0;
    let mut start = node(0);
    let mut edges = Vec::with_capacity(count);
    for index in 0..count {
        let middle = node(count + index).turned(turned);
        let end = node((index + 1) % count);
        turned += revolutions(projection, start, middle, end.turned(turned), UNROLL_DEPTH)?;
        let end = end.turned(turned);
        if end.lonlat.x.abs() > MAX_LONGITUDE {
            return Err(Error::invalid(format!(
                "outline turns around the globe more than {} times",
                MAX_LONGITUDE / 360.0
            )));
        }
        edges.push(Edge { start, middle, end });
        start = end;
    }
    Ok(edges)
}

/// Degrees, a multiple of 360, to add to the longitude of `end` so that the edge passes by `middle`.
fn revolutions(
    projection: &dyn Project,
    start: Node,
    middle_node: Node,
    end: Node,
    depth: u32,
) -> Result<f64> {
    let expected = great_circle_middle(start.lonlat, end.lonlat).x;
    if wrap(middle_node.lonlat.x - expected).abs() <= 90.0 {
        return Ok(0.0);
    }
    let half_turn = wrap(middle_node.lonlat.x - start.lonlat.x);
    if half_turn.abs() > 90.0 && depth > 0 {
        let quarters = [
            middle(start.planar, middle_node.planar),
            middle(middle_node.planar, end.planar),
        ];
        let lonlat = to_lonlat(projection, &quarters)?;
        let quarter = |index: usize| Node {
            planar: quarters[index],
            lonlat: lonlat[index],
        };
        return Ok(
            revolutions(projection, start, quarter(0), middle_node, depth - 1)?
                + revolutions(projection, middle_node, quarter(1), end, depth - 1)?,
        );
    }
    Ok(360.0 * ((start.lonlat.x - end.lonlat.x + 2.0 * half_turn) / 360.0).round())
}

struct Densifier<'a> {
    projection: &'a dyn Project,
    edges: Edges,
    tolerance_m: f64,
}

impl Densifier<'_> {
    /// Appends the vertices needed strictly between two nodes.
    fn add_vertices(
        &self,
        start: Node,
        end: Node,
        depth: u32,
        vertices: &mut Vec<Point>,
    ) -> Result<()> {
        let (a, b) = (start.lonlat, end.lonlat);
        let expected = match self.edges {
            Edges::GreatCircle => great_circle_middle(a, b),
            Edges::Straight => middle(a, b),
        };
        let planar = middle(start.planar, end.planar);
        let mut lonlat = to_lonlat(self.projection, &[planar])?[0];
        let center = f64::midpoint(a.x, b.x);
        if (a.x - b.x).abs() >= 180.0 {
            lonlat.x = center + wrap(lonlat.x - center);
        } else if (expected.x - lonlat.x).abs() > 180.0 {
            lonlat.x = expected.x + wrap(lonlat.x - expected.x);
        }
        if distance(lonlat, expected) <= self.tolerance_m {
            return Ok(());
        }
        let node = Node { planar, lonlat };
        if depth > 0 {
            self.add_vertices(start, node, depth - 1, vertices)?;
        }
        vertices.push(lonlat);
        if depth > 0 {
            self.add_vertices(node, end, depth - 1, vertices)?;
        }
        Ok(())
    }
}

/// Closes the ring; over the pole when the outline went around it.
fn close(projected: &mut Vec<Point>, outline: &[Edge]) {
    let (Some(first), Some(last)) = (outline.first(), outline.last()) else {
        return;
    };
    let (start, end) = (first.start.lonlat, last.end.lonlat);
    if (end.x - start.x).abs() > 180.0 {
        let latitudes: f64 = outline.iter().map(|edge| edge.start.lonlat.y).sum();
        let pole = 90.0_f64.copysign(latitudes);
        projected.extend([end, Point::new(end.x, pole), Point::new(start.x, pole)]);
    }
    projected.push(start);
}
