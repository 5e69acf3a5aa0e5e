//! Clipping of a polygon at a meridian, exact but for the latitudes of the crossings.
//!
//! The border of the part on one side consists of the chains of the rings that lie there, joined
//! along the meridian: sorted by latitude, the ends of the chains face each other two by two.

use super::ring::{contains, doubled_area, open_vertices};
use crate::{Point, Polygon, Ring};

/// Side of the meridian that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Smaller x.
    Left,
    /// Larger x.
    Right,
}

impl Side {
    /// A vertex on the meridian counts as outside, which leaves no third case.
    fn keeps(self, point: Point, meridian: f64) -> bool {
        match self {
            Self::Left => point.x < meridian,
            Self::Right => point.x > meridian,
        }
    }
}

/// The parts of a polygon on one side of the vertical line x = `meridian`.
pub fn clip(polygon: &Polygon, side: Side, meridian: f64) -> Vec<Polygon> {
    let mut outers = Vec::new();
    let mut holes = Vec::new();
    let mut chains = Vec::new();
    for (index, ring) in polygon.0.iter().enumerate() {
        let vertices = open_vertices(ring);
        let outside = vertices
            .iter()
            .position(|point| !side.keeps(*point, meridian));
        match outside {
            Some(start) => collect_chains(vertices, start, side, meridian, &mut chains),
            None if index == 0 => outers.push(ring.clone()),
            None => holes.push(ring.clone()),
        }
    }
    outers.extend(join(&chains));
    let mut parts: Vec<Polygon> = outers
        .into_iter()
        .filter(|ring| ring.0.len() >= 4 && doubled_area(ring) != 0.0)
        .map(|ring| Polygon(vec![ring]))
        .collect();
    for hole in holes {
        let owner = hole
            .0
            .first()
            .and_then(|vertex| parts.iter().position(|part| contains(&part.0[0], *vertex)));
        if let Some(part) = parts.get_mut(owner.unwrap_or(0)) {
            part.0.push(hole);
        }
    }
    parts
}

/// Appends the runs of kept vertices, each with its two crossings of the meridian.
fn collect_chains(
    vertices: &[Point],
    start: usize,
    side: Side,
    meridian: f64,
    chains: &mut Vec<Vec<Point>>,
) {
    let mut chain: Vec<Point> = Vec::new();
    let mut previous = vertices[start];
    for step in 1..=vertices.len() {
        let vertex = vertices[(start + step) % vertices.len()];
        let kept = side.keeps(vertex, meridian);
        let inside = !chain.is_empty();
        if kept != inside {
            chain.push(crossing(previous, vertex, meridian));
        }
        if kept {
            chain.push(vertex);
        } else if inside {
            chains.push(std::mem::take(&mut chain));
        }
        previous = vertex;
    }
}

fn crossing(a: Point, b: Point, meridian: f64) -> Point {
    let y = if a.x == meridian {
        a.y
    } else if b.x == meridian {
        b.y
    } else {
        a.y + (meridian - a.x) / (b.x - a.x) * (b.y - a.y)
    };
    Point::new(meridian, y)
}

/// Joins chains along the meridian to closed rings.
fn join(chains: &[Vec<Point>]) -> Vec<Ring> {
    // end 2k is the first point of chain k, end 2k + 1 its last one
    let latitude = |end: usize| {
        let chain = &chains[end / 2];
        let index = if end.is_multiple_of(2) {
            0
        } else {
            chain.len() - 1
        };
        chain[index].y
    };
    let mut ends: Vec<usize> = (0..2 * chains.len()).collect();
    ends.sort_by(|a, b| latitude(*a).total_cmp(&latitude(*b)));
    // where chains meet in one point of the meridian, the end of one faces the begin of another
    for second in (1..ends.len()).step_by(2) {
        let (first, level) = (ends[second - 1], latitude(ends[second]));
        let opposite = ends[second..]
            .iter()
            .take_while(|end| latitude(**end) == level)
            .position(|end| end % 2 != first % 2);
        if let Some(offset) = opposite {
            ends.swap(second, second + offset);
        }
    }
    let mut facing = vec![0; ends.len()];
    for pair in ends.chunks_exact(2) {
        facing[pair[0]] = pair[1];
        facing[pair[1]] = pair[0];
    }

    let mut used = vec![false; chains.len()];
    let mut rings = Vec::new();
    for first in 0..chains.len() {
        let mut points: Vec<Point> = Vec::new();
        let mut entry = 2 * first;
        while !used[entry / 2] {
            used[entry / 2] = true;
            let chain = chains[entry / 2].iter();
            if entry.is_multiple_of(2) {
                points.extend(chain);
            } else {
                points.extend(chain.rev());
            }
            entry = facing[entry ^ 1];
        }
        if let Some(start) = points.first().copied() {
            points.push(start);
            points.dedup();
            rings.push(Ring(points));
        }
    }
    rings
}
