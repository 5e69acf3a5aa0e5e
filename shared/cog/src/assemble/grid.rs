use super::TiledSource;
use crate::{Error, Image};

/// Largest relative difference between the pixel sizes of two records.
const SCALE_TOLERANCE: f64 = 1e-8;
/// Largest distance in pixels between the origin of a record and the tile grid.
const ORIGIN_TOLERANCE: f64 = 0.1;
/// Transform of images without georeferencing.
const NO_TRANSFORM: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

/// Column and row of the first tile of every record in their common grid, which starts at the leftmost and the
/// topmost of them.
pub(super) fn first_tiles<R>(records: &[TiledSource<R>]) -> Result<Vec<(u32, u32)>, Error> {
    let Some(first) = records.first() else {
        return Ok(Vec::new());
    };
    let mut places = Vec::with_capacity(records.len());
    for (at, record) in records.iter().enumerate() {
        let mismatch = |why| Error::Mismatch {
            record: at,
            name: record.name.clone(),
            why,
        };
        let place = tile_offset(first.record.main(), record.record.main()).map_err(mismatch)?;
        places.push(place);
    }
    let left = places.iter().map(|place| place.0).min().unwrap_or(0);
    let top = places.iter().map(|place| place.1).min().unwrap_or(0);
    let mut tiles = Vec::with_capacity(records.len());
    for (at, (x, y)) in places.into_iter().enumerate() {
        // Differences of places within 2^31 of the first record always fit.
        let (Ok(x), Ok(y)) = (u32::try_from(x - left), u32::try_from(y - top)) else {
            let why = "too far from the first record".to_owned();
            return Err(Error::Mismatch {
                record: at,
                name: records[at].name.clone(),
                why,
            });
        };
        tiles.push((x, y));
    }
    Ok(tiles)
}

/// Tiles between the origin of the first image and that of a record.
pub(crate) fn tile_offset(first: &Image, other: &Image) -> Result<(i64, i64), String> {
    let (width, height) = (first.tags.block_width, first.tags.block_height);
    // Overviews may have tiles of another size: GDAL makes square ones only.
    let tags = &other.tags;
    if (tags.block_width, tags.block_height) != (width, height) {
        let (found_width, found_height) = (tags.block_width, tags.block_height);
        return Err(format!(
            "tiles of {found_width} x {found_height}, expected {width} x {height}"
        ));
    }
    let expected = first.geo_transform().unwrap_or(NO_TRANSFORM);
    let found = other.geo_transform().unwrap_or(NO_TRANSFORM);
    let size = expected[1]
        .hypot(expected[4])
        .min(expected[2].hypot(expected[5]));
    for term in [1, 2, 4, 5] {
        let difference = (found[term] - expected[term]).abs();
        if difference > SCALE_TOLERANCE * size {
            let (found, expected) = (found[term], expected[term]);
            return Err(format!("pixel size {found}, expected {expected}"));
        }
    }
    let [_, a, b, _, d, e] = expected;
    let determinant = a * e - b * d;
    let (x, y) = (found[0] - expected[0], found[3] - expected[3]);
    let column = (e * x - b * y) / determinant;
    let row = (a * y - d * x) / determinant;
    Ok((tile(column, width)?, tile(row, height)?))
}

/// The tile that starts at a distance in pixels.
fn tile(pixels: f64, size: u32) -> Result<i64, String> {
    let tile = (pixels / f64::from(size)).round();
    let off = (pixels - tile * f64::from(size)).abs();
    // Written so that NaN, from a transform without area, is refused.
    if off <= ORIGIN_TOLERANCE && tile.abs() < f64::from(i32::MAX) {
        Ok(tile as i64)
    } else {
        Err(format!(
            "origin {pixels} pixels from the first record, expected a multiple of {size}"
        ))
    }
}
