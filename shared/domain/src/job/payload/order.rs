//! Orders: one file to write.

use super::event::{attempt, first};
use super::{Message, PayloadError, parse_message};
use crate::job::{Task, ewkb};
use crate::{
    Bands, DataMapping, DatasetSource, Error, GeoTransform, Instant, JobId, MultiPolygon, RecordId,
    Resampling, Size, StorageClass, TaskId, Uri,
};
use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;

/// One file to write: records in time order, each a mosaic of datasets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsolidationOrder {
    /// Job of the task.
    pub job_id: JobId,
    /// The task.
    pub task_id: TaskId,
    /// Attempt, from 1; set when the order is sent.
    #[serde(
        default = "first",
        deserialize_with = "attempt",
        skip_serializing_if = "is_first"
    )]
    pub attempt: i32,
    /// At least one record, in the order of the file.
    #[serde(deserialize_with = "not_empty")]
    pub records: Vec<OrderRecord>,
    /// The file.
    pub container: TargetContainer,
}

impl ConsolidationOrder {
    /// Text of `"type"`.
    pub const TYPE: &'static str = "consolidation";

    /// JSON form, as sent and, for the first attempt, as stored in the task.
    pub fn to_json(&self) -> Vec<u8> {
        super::to_json(Self::TYPE, self)
    }
}

/// One record of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The record.
    pub id: RecordId,
    /// Its instant, to the second.
    #[serde(with = "date_time")]
    pub date_time: Instant,
    /// Area of valid data within the cell; `None` when it is not known.
    #[serde(default)]
    pub valid_shape: Option<ValidShape>,
    /// At least one dataset, from the bottom to the top of the mosaic.
    #[serde(deserialize_with = "not_empty")]
    pub datasets: Vec<OrderDataset>,
}

/// An area and its reference system.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidShape {
    /// EPSG code, 0 when unknown.
    pub srid: i32,
    /// The area.
    pub area: MultiPolygon,
}

/// One source image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "DatasetFields", try_from = "DatasetFields")]
pub struct OrderDataset {
    /// How to read it.
    pub source: DatasetSource,
    /// Whether every band has overviews.
    pub overviews: bool,
}

/// The file to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "ContainerFields", try_from = "ContainerFields")]
pub struct TargetContainer {
    /// Where; unique per task.
    pub uri: Uri,
    /// Encoding of the samples.
    pub mapping: DataMapping,
    /// Reference system, as WKT.
    pub crs: String,
    /// Pixel grid.
    pub transform: GeoTransform,
    /// Size in pixels.
    pub size: Size,
    /// Always empty.
    pub cutline: String,
    /// Number of bands.
    pub bands_count: u16,
    /// Width of the blocks, in pixels; 0 for the default.
    pub block_x_size: u32,
    /// Height of the blocks, in pixels; 0 for the default.
    pub block_y_size: u32,
    /// Order of the blocks, in the letters I (record), P (band), L (zoom level) and T (tile).
    pub interlacing_pattern: String,
    /// Side of the smallest overview: 0 for no overview, -1 for 256.
    pub overviews_min_size: i32,
    /// Kernel of the warp.
    pub resampling: Resampling,
    /// Kernel of the overviews.
    pub overview_resampling: Resampling,
    /// Whether the file is cut to the extent of its data; always false.
    pub optimize_extent: bool,
    /// Creation options.
    pub creation_params: BTreeMap<String, String>,
    /// Class of the object.
    pub storage_class: StorageClass,
}

/// The message that sends the order of a task, in its present attempt.
///
/// # Errors
/// [`PayloadError`] when the payload of the task is no order.
pub fn order_message(task: &Task) -> Result<Vec<u8>, PayloadError> {
    match parse_message(&task.payload)? {
        Message::Order(order) => Ok(ConsolidationOrder {
            attempt: task.attempt,
            ..*order
        }
        .to_json()),
        other @ (Message::Task(_) | Message::Job(_)) => Err(PayloadError::Type {
            found: other.type_name().to_owned(),
        }),
    }
}

#[derive(Serialize, Deserialize)]
struct DatasetFields {
    uri: Uri,
    subdir: String,
    bands: Vec<i64>,
    overviews: bool,
    dataset_format: DataMapping,
}

impl From<OrderDataset> for DatasetFields {
    fn from(dataset: OrderDataset) -> Self {
        let OrderDataset { source, overviews } = dataset;
        let bands = source.bands.numbers();
        Self {
            bands: bands.iter().copied().map(i64::from).collect(),
            uri: source.uri,
            subdir: source.subdir,
            overviews,
            dataset_format: source.mapping,
        }
    }
}

impl TryFrom<DatasetFields> for OrderDataset {
    type Error = Error;

    fn try_from(fields: DatasetFields) -> Result<Self, Error> {
        Ok(Self {
            source: DatasetSource {
                bands: Bands::try_new(&fields.bands)?,
                uri: fields.uri,
                subdir: fields.subdir,
                mapping: fields.dataset_format,
            },
            overviews: fields.overviews,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ContainerFields {
    uri: Uri,
    dataset_format: DataMapping,
    crs: String,
    transform: [f64; 6],
    width: i64,
    height: i64,
    cutline: String,
    bands_count: u16,
    block_x_size: u32,
    block_y_size: u32,
    interlacing_pattern: String,
    overviews_min_size: i32,
    resampling_alg: Resampling,
    ovr_resampling_alg: Resampling,
    optimize_extent: bool,
    creation_params: BTreeMap<String, String>,
    storage_class: StorageClass,
}

impl From<TargetContainer> for ContainerFields {
    fn from(container: TargetContainer) -> Self {
        Self {
            uri: container.uri,
            dataset_format: container.mapping,
            crs: container.crs,
            transform: container.transform.0,
            width: container.size.width.into(),
            height: container.size.height.into(),
            cutline: container.cutline,
            bands_count: container.bands_count,
            block_x_size: container.block_x_size,
            block_y_size: container.block_y_size,
            interlacing_pattern: container.interlacing_pattern,
            overviews_min_size: container.overviews_min_size,
            resampling_alg: container.resampling,
            ovr_resampling_alg: container.overview_resampling,
            optimize_extent: container.optimize_extent,
            creation_params: container.creation_params,
            storage_class: container.storage_class,
        }
    }
}

impl TryFrom<ContainerFields> for TargetContainer {
    type Error = Error;

    fn try_from(fields: ContainerFields) -> Result<Self, Error> {
        if fields.bands_count == 0 {
            return Err(Error::invalid("bands_count: 0, expected at least 1"));
        }
        if fields.overviews_min_size < -1 {
            let found = fields.overviews_min_size;
            return Err(Error::invalid(format!(
                "overviews_min_size: {found}, expected -1 (256), 0 (none) or a positive number"
            )));
        }
        Ok(Self {
            uri: fields.uri,
            mapping: fields.dataset_format,
            crs: fields.crs,
            transform: GeoTransform::try_new(fields.transform)?,
            size: Size::try_new(fields.width, fields.height)?,
            cutline: fields.cutline,
            bands_count: fields.bands_count,
            block_x_size: fields.block_x_size,
            block_y_size: fields.block_y_size,
            interlacing_pattern: fields.interlacing_pattern,
            overviews_min_size: fields.overviews_min_size,
            resampling: fields.resampling_alg,
            overview_resampling: fields.ovr_resampling_alg,
            optimize_extent: fields.optimize_extent,
            creation_params: fields.creation_params,
            storage_class: fields.storage_class,
        })
    }
}

impl Serialize for ValidShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&ewkb::to_hex(&self.area, self.srid))
    }
}

impl<'de> Deserialize<'de> for ValidShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let (area, srid) = ewkb::from_hex(&hex).map_err(de::Error::custom)?;
        Ok(Self { srid, area })
    }
}

fn not_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(de::Error::invalid_length(0, &"at least one element"));
    }
    Ok(list)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "signature asked for by serde"
)]
fn is_first(attempt: &i32) -> bool {
    *attempt == first()
}

/// `YYYY-MM-DD HH:MM:SS`
mod date_time {
    use super::{Deserialize, Deserializer, Instant, NaiveDateTime, Serializer, de};

    const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

    pub fn serialize<S: Serializer>(instant: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&instant.naive().format(FORMAT))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveDateTime::parse_from_str(&text, FORMAT)
            .ok()
            .and_then(|naive| Instant::from_timestamp(naive.and_utc().timestamp(), 0).ok())
            .ok_or_else(|| {
                let found = de::Unexpected::Str(&text);
                de::Error::invalid_value(found, &"an instant such as 2020-12-31 23:59:59")
            })
    }
}
