//! Datasets: indexed images.

use crate::{DataMapping, DatasetId, Error, InstanceId, MultiPolygon, RecordId, Result, Uri};
use serde::{Deserialize, Serialize};

/// Visibility of a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum DatasetStatus {
    /// Visible to readers.
    #[default]
    Active = 0,
    /// About to be deleted.
    ToDelete = 1,
    /// Output of a consolidation that is not effective yet.
    Inactive = 2,
}

impl DatasetStatus {
    /// Stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::ToDelete => "TODELETE",
            Self::Inactive => "INACTIVE",
        }
    }

    /// Reads a stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::ToDelete, Self::Inactive]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Band numbers of a file, from 1, in the order of the variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bands(Vec<i16>);

impl Bands {
    /// Builds checked band numbers.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is none, or one is not between 1 and 32767.
    pub fn try_new(bands: &[i64]) -> Result<Self> {
        if bands.is_empty() {
            return Err(Error::invalid(
                "Invalid Dataset.bands: expected at least one band",
            ));
        }
        let number = |band: &i64| {
            i16::try_from(*band)
                .ok()
                .filter(|band| *band > 0)
                .ok_or_else(|| {
                    Error::invalid(format!(
                        "Invalid Dataset.bands: {band}, expected numbers from 1 to {}",
                        i16::MAX
                    ))
                })
        };
        bands.iter().map(number).collect::<Result<_>>().map(Self)
    }

    /// The bands 1 to `count`.
    pub fn first(count: usize) -> Self {
        Self((1..=count.min(i16::MAX as usize) as i16).collect())
    }

    /// The numbers.
    pub fn numbers(&self) -> &[i16] {
        &self.0
    }

    /// Number of bands.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Bands {
    /// The numbers, separated by `-`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, band) in self.0.iter().enumerate() {
            write!(f, "{}{band}", if index > 0 { "-" } else { "" })?;
        }
        Ok(())
    }
}

/// Everything needed to read one dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSource {
    /// File.
    pub uri: Uri,
    /// Sub-dataset prefix, for example `GTIFF_DIR:2`; empty for the file itself.
    pub subdir: String,
    /// Bands to read.
    pub bands: Bands,
    /// Encoding of the samples.
    pub mapping: DataMapping,
}

/// An indexed image.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Identifier.
    pub id: DatasetId,
    /// Data-take that it belongs to.
    pub record_id: RecordId,
    /// Flavour of the variable that it holds.
    pub instance_id: InstanceId,
    /// How to read it.
    pub source: DatasetSource,
    /// Visibility.
    pub status: DatasetStatus,
    /// Whether every band has overviews.
    pub overviews: bool,
    /// Area of valid data, in the reference system of the file.
    pub shape: MultiPolygon,
    /// EPSG code of that reference system; 0 when unknown.
    pub srid: i32,
}
