//! Rows of datasets.

use crate::{Error, Result, convert};
use domain::{DataMapping, Dataset, DatasetSource, DatasetStatus, Uri, ValueRange};
use uuid::Uuid;

/// Columns of [`SourceRow`], of the dataset `d`.
pub(super) const SOURCE: &str =
    "d.id, d.record_id, d.instance_id, d.container_uri, d.subdir, d.bands,
    d.status::text AS status, d.dtype::text AS dtype, d.no_data, d.min_value, d.max_value,
    d.real_min_value, d.real_max_value, d.exponent, d.overviews";

/// Columns of [`DatasetRow`], of the dataset `d`.
pub(super) const DATASET: &str =
    "d.id, d.record_id, d.instance_id, d.container_uri, d.subdir, d.bands,
    d.status::text AS status, d.dtype::text AS dtype, d.no_data, d.min_value, d.max_value,
    d.real_min_value, d.real_max_value, d.exponent, d.overviews, ST_AsEWKB(d.shape) AS shape";

#[derive(sqlx::FromRow)]
pub(super) struct SourceRow {
    pub id: Uuid,
    pub record_id: Uuid,
    pub instance_id: Uuid,
    container_uri: String,
    subdir: String,
    bands: Vec<i16>,
    status: String,
    dtype: String,
    no_data: f64,
    min_value: f64,
    max_value: f64,
    real_min_value: f64,
    real_max_value: f64,
    exponent: f64,
    pub overviews: bool,
}

impl SourceRow {
    /// Bytes that the row takes, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.container_uri.len() + self.subdir.len() + 2 * self.bands.len()
    }

    pub(super) fn source(self) -> Result<DatasetSource> {
        Ok(DatasetSource {
            uri: Uri::from_stored(self.container_uri),
            subdir: self.subdir,
            bands: convert::bands(&self.bands)?,
            mapping: DataMapping {
                format: convert::format(&self.dtype, self.no_data, self.min_value, self.max_value)?,
                range: ValueRange {
                    min: self.real_min_value,
                    max: self.real_max_value,
                },
                exponent: self.exponent,
            },
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DatasetRow {
    #[sqlx(flatten)]
    source: SourceRow,
    shape: Vec<u8>,
}

impl DatasetRow {
    /// Bytes that the row takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.source.bytes() + self.shape.len()
    }
}

impl TryFrom<DatasetRow> for Dataset {
    type Error = Error;

    fn try_from(row: DatasetRow) -> Result<Self> {
        let (shape, srid) = convert::geometry(&row.shape)?;
        Ok(Self {
            id: row.source.id.into(),
            record_id: row.source.record_id.into(),
            instance_id: row.source.instance_id.into(),
            status: convert::name("status", &row.source.status, DatasetStatus::from_name)?,
            overviews: row.source.overviews,
            source: row.source.source()?,
            shape,
            srid,
        })
    }
}
