//! Values of columns.

use crate::{Error, Result, hstore::Hstore};
use domain::{Bands, DType, DataFormat, Instant, MultiPolygon, Resampling, Tags, job::ewkb};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Pairs of a row that may be absent.
pub(crate) fn notes(stored: Option<Hstore>) -> BTreeMap<String, String> {
    stored.unwrap_or_default().0
}

/// Tags of a row.
pub(crate) fn tags(stored: Hstore) -> Tags {
    Tags::from_stored(stored.0)
}

/// Identifiers for a driver that knows no types of ours.
pub(crate) fn uuids<T: Copy>(ids: &[T], uuid: impl Fn(T) -> Uuid) -> Vec<Uuid> {
    ids.iter().map(|id| uuid(*id)).collect()
}

/// Format of a row, unchecked: rows of an adopted database may break today's rules.
pub(crate) fn format(dtype: &str, no_data: f64, min: f64, max: f64) -> Result<DataFormat> {
    Ok(DataFormat {
        dtype: name("dtype", dtype, DType::from_name)?,
        no_data,
        min,
        max,
    })
}

pub(crate) fn resampling(stored: &str) -> Result<Resampling> {
    name("resampling_alg", stored, Resampling::from_name)
}

/// Text of an enumeration.
pub(crate) fn name<T>(column: &str, stored: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    parse(stored).ok_or_else(|| {
        Error::corrupt(format!(
            "column {column} holds {stored:?}, which is no known name"
        ))
    })
}

pub(crate) fn bands(stored: &[i16]) -> Result<Bands> {
    let numbers: Vec<i64> = stored.iter().map(|band| i64::from(*band)).collect();
    Bands::try_new(&numbers).map_err(|error| Error::corrupt(format!("column bands: {error}")))
}

/// Multi-polygon and SRID of a row.
pub(crate) fn geometry(stored: &[u8]) -> Result<(MultiPolygon, i32)> {
    ewkb::from_ewkb(stored).map_err(|error| Error::corrupt(format!("stored geometry: {error}")))
}

/// Longitudes and latitudes as a parameter of `ST_GeomFromEWKB`.
pub(crate) fn lonlat(area: &MultiPolygon) -> Vec<u8> {
    ewkb::to_ewkb(area, 4326)
}

/// A number that Postgres holds with a sign.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

pub(crate) fn instant(stored: chrono::NaiveDateTime) -> Instant {
    Instant::from_naive(stored)
}
