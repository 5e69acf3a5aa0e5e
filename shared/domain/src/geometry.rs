//! Planar geometries, without reference system: points, rings, polygons.

use serde::{Deserialize, Serialize};

/// x and y, or longitude and latitude in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Easting or longitude.
    pub x: f64,
    /// Northing or latitude.
    pub y: f64,
}

impl Point {
    /// A point from its coordinates.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// Vertices of a closed line: the last one equals the first one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ring(pub Vec<Point>);

/// Outer ring followed by holes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polygon(pub Vec<Ring>);

/// Several polygons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultiPolygon(pub Vec<Polygon>);

impl Ring {
    /// The rectangle (xmin,ymin) (xmin,ymax) (xmax,ymax) (xmax,ymin), closed.
    pub fn rectangle(min: Point, max: Point) -> Self {
        Self(vec![
            min,
            Point::new(min.x, max.y),
            max,
            Point::new(max.x, min.y),
            min,
        ])
    }
}

impl From<Ring> for MultiPolygon {
    fn from(ring: Ring) -> Self {
        Self(vec![Polygon(vec![ring])])
    }
}

impl MultiPolygon {
    /// Every vertex of every ring.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.0
            .iter()
            .flat_map(|polygon| &polygon.0)
            .flat_map(|ring| &ring.0)
    }

    /// Smallest and largest coordinates; `None` without any vertex.
    pub fn bounds(&self) -> Option<(Point, Point)> {
        self.points().fold(None, |bounds, point| {
            let (min, max) = bounds.unwrap_or((*point, *point));
            Some((
                Point::new(min.x.min(point.x), min.y.min(point.y)),
                Point::new(max.x.max(point.x), max.y.max(point.y)),
            ))
        })
    }

    /// Little-endian ISO well-known binary of the two-dimensional multi-polygon, without SRID.
    pub fn to_wkb(&self) -> Vec<u8> {
        let mut wkb = Vec::with_capacity(9 + self.points().count() * 16);
        wkb_header(&mut wkb, 6, self.0.len());
        for polygon in &self.0 {
            wkb_header(&mut wkb, 3, polygon.0.len());
            for ring in &polygon.0 {
                wkb.extend((ring.0.len() as u32).to_le_bytes());
                for point in &ring.0 {
                    wkb.extend(point.x.to_le_bytes());
                    wkb.extend(point.y.to_le_bytes());
                }
            }
        }
        wkb
    }
}

fn wkb_header(wkb: &mut Vec<u8>, geometry_type: u32, count: usize) {
    wkb.push(1);
    wkb.extend(geometry_type.to_le_bytes());
    wkb.extend((count as u32).to_le_bytes());
}
