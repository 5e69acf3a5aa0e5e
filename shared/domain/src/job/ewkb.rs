//! Extended well-known binary (EWKB), the form in which `PostGIS` exchanges geometries.

use crate::{Error, MultiPolygon, Point, Polygon, Result, Ring};
use std::fmt::Write;

const POLYGON: u32 = 3;
const MULTI_POLYGON: u32 = 6;
const HAS_SRID: u32 = 0x2000_0000;

/// Little-endian EWKB of a two-dimensional multi-polygon with its SRID (0 when unknown).
pub fn to_ewkb(area: &MultiPolygon, srid: i32) -> Vec<u8> {
    let plain = area.to_wkb();
    let mut ewkb = Vec::with_capacity(plain.len() + 4);
    ewkb.push(1);
    ewkb.extend((MULTI_POLYGON | HAS_SRID).to_le_bytes());
    ewkb.extend(srid.to_le_bytes());
    ewkb.extend(&plain[5..]);
    ewkb
}

/// Reads a two-dimensional polygon or multi-polygon of either byte order, with its SRID (0 when it
/// has none).
///
/// # Errors
/// [`Error::Invalid`] for any other geometry, coordinates that are not finite, and bytes that are
/// missing or left over. No more memory is used than the given bytes call for.
pub fn from_ewkb(bytes: &[u8]) -> Result<(MultiPolygon, i32)> {
    let mut reader = Reader {
        rest: bytes,
        little: true,
    };
    let (geometry, srid) = reader.header()?;
    let area = match geometry {
        POLYGON => MultiPolygon(vec![reader.polygon()?]),
        MULTI_POLYGON => {
            let count = reader.count(9)?;
            let mut polygons = Vec::with_capacity(count);
            for _ in 0..count {
                let (POLYGON, _) = reader.header()? else {
                    return Err(malformed("a member of the multi-polygon is no polygon"));
                };
                polygons.push(reader.polygon()?);
            }
            MultiPolygon(polygons)
        }
        _ => {
            return Err(malformed(
                "expected a two-dimensional polygon or multi-polygon",
            ));
        }
    };
    if !reader.rest.is_empty() {
        return Err(malformed("bytes are left over"));
    }
    Ok((area, srid))
}

/// [`to_ewkb`] as upper-case hexadecimal digits.
pub fn to_hex(area: &MultiPolygon, srid: i32) -> String {
    let bytes = to_ewkb(area, srid);
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02X}");
    }
    hex
}

/// [`from_ewkb`] of hexadecimal digits in any letter case.
///
/// # Errors
/// As [`from_ewkb`], and for characters that are no digits.
pub fn from_hex(hex: &str) -> Result<(MultiPolygon, i32)> {
    let digit = |character: u8| char::from(character).to_digit(16);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| Some((digit(*high)? * 16 + digit(*low)?) as u8))
        .collect();
    match bytes {
        Some(bytes) if rest.is_empty() => from_ewkb(&bytes),
        Some(_) | None => Err(malformed("expected pairs of hexadecimal digits")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    little: bool,
}

impl Reader<'_> {
    /// Byte order, type without flags, SRID.
    fn header(&mut self) -> Result<(u32, i32)> {
        let [order] = self.take::<1>()?;
        self.little = match order {
            0 => false,
            1 => true,
            _ => return Err(malformed("expected a byte order of 0 or 1")),
        };
        let geometry = self.number()?;
        let srid = if geometry & HAS_SRID == 0 {
            0
        } else {
            self.number()? as i32
        };
        Ok((geometry & !HAS_SRID, srid))
    }

    fn polygon(&mut self) -> Result<Polygon> {
        let count = self.count(4)?;
        let rings = (0..count).map(|_| self.ring()).collect::<Result<_>>()?;
        Ok(Polygon(rings))
    }

    fn ring(&mut self) -> Result<Ring> {
        let count = self.count(16)?;
        let mut points = Vec::with_capacity(count);
        for _ in 0..count {
            points.push(Point::new(self.coordinate()?, self.coordinate()?));
        }
        Ok(Ring(points))
    }

    fn coordinate(&mut self) -> Result<f64> {
        let bytes = self.take::<8>()?;
        let value = if self.little {
            f64::from_le_bytes(bytes)
        } else {
            f64::from_be_bytes(bytes)
        };
        if !value.is_finite() {
            return Err(malformed("a coordinate is not finite"));
        }
        Ok(value)
    }

    /// Number of things of at least `size` bytes each, which must fit in what is left.
    fn count(&mut self, size: usize) -> Result<usize> {
        let count = self.number()? as usize;
        if count > self.rest.len() / size {
            return Err(malformed("bytes are missing"));
        }
        Ok(count)
    }

    fn number(&mut self) -> Result<u32> {
        let bytes = self.take::<4>()?;
        Ok(if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| malformed("bytes are missing"))?;
        self.rest = rest;
        Ok(*bytes)
    }
}

fn malformed(why: &str) -> Error {
    Error::invalid(format!("invalid EWKB geometry: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{from_ewkb, from_hex, to_ewkb, to_hex};
    use crate::{MultiPolygon, Point, Polygon, Ring};
    use proptest::prelude::*;

    fn square(origin: f64, side: f64) -> Ring {
        Ring::rectangle(
            Point::new(origin, origin),
            Point::new(origin + side, origin + side),
        )
    }

    #[test]
    fn areas_read_back_with_holes_parts_and_srid() {
        let area = MultiPolygon(vec![
            Polygon(vec![square(0.0, 10.0), square(2.0, 3.0)]),
            Polygon(vec![square(100.5, 1.0)]),
        ]);
        for area in [area, MultiPolygon::default()] {
            for srid in [0, 4326, 32632, i32::MAX] {
                let bytes = to_ewkb(&area, srid);
                assert_eq!(from_ewkb(&bytes).unwrap(), (area.clone(), srid));
                let hex = to_hex(&area, srid);
                assert_eq!(from_hex(&hex).unwrap(), (area.clone(), srid));
                assert_eq!(from_hex(&hex.to_lowercase()).unwrap().1, srid);
            }
        }
    }

    #[test]
    fn bytes_are_those_of_postgis() {
        // SELECT ST_AsHEXEWKB('SRID=4326;MULTIPOLYGON(((0 0,0 1,1 0,0 0)))'::geometry)
        let hex = "0106000020E6100000010000000103000000010000000400000000000000000000000000000000000000\
                   0000000000000000000000000000F03F000000000000F03F000000000000000000000000000000000000000000000000";
        let triangle = Ring(
            [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
                .map(|(x, y)| Point::new(x, y))
                .to_vec(),
        );
        assert_eq!(to_hex(&triangle.clone().into(), 4326), hex);
        // SELECT ST_AsHEXEWKB('POLYGON((0 0,0 1,1 0,0 0))'::geometry, 'XDR')
        let polygon = "0000000003000000010000000400000000000000000000000000000000\
                       00000000000000003FF00000000000003FF0000000000000000000000000000000000000000000000000000000000000";
        assert_eq!(from_hex(polygon).unwrap(), (triangle.into(), 0));
    }

    #[test]
    fn other_bytes_are_refused() {
        let area: MultiPolygon = square(0.0, 1.0).into();
        let good = to_ewkb(&area, 4326);
        for length in 0..good.len() {
            assert!(from_ewkb(&good[..length]).is_err(), "{length}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(from_ewkb(&longer).is_err());
        let mut endless = good.clone();
        endless[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(from_ewkb(&endless).is_err());
        let mut point = good.clone();
        point[1] = 1;
        assert!(from_ewkb(&point).is_err());
        let mut three_dimensions = good.clone();
        three_dimensions[4] |= 0x80;
        assert!(from_ewkb(&three_dimensions).is_err());
        let mut nan = good;
        let end = nan.len();
        nan[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(from_ewkb(&nan).is_err());
        for hex in ["0", "0g", "é", "", "01"] {
            assert!(from_hex(hex).is_err(), "{hex}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = from_ewkb(&bytes);
        }
    }
}
