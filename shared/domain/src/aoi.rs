//! Footprints of records.

use crate::{Error, MultiPolygon, Polygon, Result};
use sha1::{Digest, Sha1};

/// Geometry of a footprint, in longitude and latitude.
pub type Aoi = MultiPolygon;

/// A checked footprint.
///
/// Invariants: at least one polygon, each ring closed with at least four points, longitudes in
/// [-180, 180], latitudes in [-90, 90].
#[derive(Clone, Debug, PartialEq)]
pub struct AoiGeometry(MultiPolygon);

impl AoiGeometry {
    /// Checks a footprint; polygons without any coordinate are dropped.
    ///
    /// # Errors
    /// [`Error::Invalid`] `AOI must not be empty`, or naming what is out of range or not closed, or
    /// the bound `max_vertices` when there are more.
    pub fn try_new(polygons: MultiPolygon, max_vertices: usize) -> Result<Self> {
        let parts: Vec<Polygon> = polygons
            .0
            .into_iter()
            .filter(|polygon| polygon.0.iter().any(|ring| !ring.0.is_empty()))
            .collect();
        if parts.is_empty() {
            return Err(Error::invalid("AOI must not be empty"));
        }
        let geometry = MultiPolygon(parts);
        let vertices = geometry.points().count();
        if vertices > max_vertices {
            return Err(Error::invalid(format!(
                "AOI has {vertices} vertices, expected at most {max_vertices} (maxAoiVertices)"
            )));
        }
        for point in geometry.points() {
            let in_range = (-180.0..=180.0).contains(&point.x) && (-90.0..=90.0).contains(&point.y);
            if !in_range {
                return Err(Error::invalid(format!(
                    "AOI coordinates must be in [-180, 180] (longitude) and [-90, 90] (latitude), found {} {}",
                    point.x, point.y
                )));
            }
        }
        for ring in geometry.0.iter().flat_map(|polygon| &polygon.0) {
            if ring.0.len() < 4 || ring.0.first() != ring.0.last() {
                return Err(Error::invalid(format!(
                    "AOI rings must be closed and have at least 4 points, found a ring of {} points",
                    ring.0.len()
                )));
            }
        }
        Ok(Self(geometry))
    }

    /// The polygons.
    pub fn polygons(&self) -> &MultiPolygon {
        &self.0
    }

    /// Identity of the footprint: lower-case hexadecimal SHA-1 of its little-endian ISO WKB.
    ///
    /// The same area with another first vertex, direction or part order is another footprint.
    pub fn hash(&self) -> String {
        format!("{:x}", Sha1::digest(self.0.to_wkb()))
    }
}

#[cfg(test)]
mod tests {
    use super::AoiGeometry;
    use crate::{MultiPolygon, Point, Polygon, Ring};

    fn ring(points: &[(f32, f32)]) -> Ring {
        Ring(
            points
                .iter()
                .map(|(x, y)| Point::new(f64::from(*x), f64::from(*y)))
                .collect(),
        )
    }

    fn aoi(polygons: Vec<Vec<Ring>>) -> crate::Result<AoiGeometry> {
        AoiGeometry::try_new(
            MultiPolygon(polygons.into_iter().map(Polygon).collect()),
            1000,
        )
    }

    #[test]
    fn the_hash_depends_on_vertices_in_their_order() {
        let hole = ring(&[(1., 1.), (2., 1.), (2., 2.), (1., 2.), (1., 1.)]);
        let outer = ring(&[(0., 0.), (0., 4.), (4., 4.), (4., 0.), (0., 0.)]);
        for (polygons, hash) in [
            (
                vec![vec![ring(&[
                    (0., 0.),
                    (0., 1.),
                    (1., 1.),
                    (1., 0.),
                    (0., 0.),
                ])]],
                "2606548915053d4db1adb322b28b59d280cacf7d",
            ),
            (
                vec![vec![ring(&[
                    (0., 0.),
                    (1., 0.),
                    (1., 1.),
                    (0., 1.),
                    (0., 0.),
                ])]],
                "f1e64a3c2947f2dea1964110b830a69eb6dc9d4d",
            ),
            (
                vec![vec![ring(&[
                    (0., 1.),
                    (1., 1.),
                    (1., 0.),
                    (0., 0.),
                    (0., 1.),
                ])]],
                "1acaaf275fef3667dc5dfd2bf0c8bb779cf087af",
            ),
            (
                vec![vec![ring(&[
                    (0.1, 0.1),
                    (0.1, 1.1),
                    (1.1, 1.1),
                    (0.1, 0.1),
                ])]],
                "24531bb5c1ede7d70d36bf408e1ea5a199192fe8",
            ),
            (
                vec![vec![outer, hole]],
                "85ab44c15c7fcaf9489867df7774fd349afc82bb",
            ),
            (
                vec![
                    vec![],
                    vec![ring(&[(7., 7.), (7., 8.), (8., 8.), (7., 7.)])],
                ],
                "845b67569d9cf247f17801f67c11aef3a810c583",
            ),
        ] {
            assert_eq!(aoi(polygons).unwrap().hash(), hash);
        }
    }

    #[test]
    fn empty_footprints_are_refused() {
        for polygons in [vec![], vec![vec![]], vec![vec![ring(&[])]]] {
            assert_eq!(
                aoi(polygons).unwrap_err().to_string(),
                "AOI must not be empty"
            );
        }
    }

    #[test]
    fn coordinates_must_be_finite_and_in_range_and_rings_closed() {
        let nan = f32::NAN;
        for points in [
            vec![(181., 0.), (0., 1.), (1., 1.), (181., 0.)],
            vec![(0., 90.0001), (0., 1.), (1., 1.), (0., 90.0001)],
            vec![(0., nan), (0., 1.), (1., 1.), (0., nan)],
            vec![(0., 0.), (0., 1.), (1., 1.), (1., 0.)],
            vec![(0., 0.)],
            vec![(0., 0.), (1., 1.), (0., 0.)],
        ] {
            assert!(aoi(vec![vec![ring(&points)]]).is_err(), "{points:?}");
        }
        assert!(
            aoi(vec![vec![ring(&[
                (-180., -90.),
                (-180., 90.),
                (180., 90.),
                (180., -90.),
                (-180., -90.)
            ])]])
            .is_ok()
        );
        assert!(
            aoi(vec![vec![ring(&[
                (0., 0.),
                (1., 1.),
                (1., 0.),
                (0., 1.),
                (0., 0.)
            ])]])
            .is_ok()
        );
    }
}
