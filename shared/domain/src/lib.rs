//! The vocabulary and the decisions of Geocube, without any input or output.
//!
//! Everything here is plain data and pure functions: identifiers, value mappings, footprints, grids,
//! the job machine and the planners. This crate must not know SQL, GDAL, protobuf, the network, the
//! file system or the clock; where a decision needs one of them (a projection, the present instant)
//! the caller passes it in.
//!
//! ```
//! use domain::{DType, DataFormat};
//! let reflectance = DataFormat::try_new(DType::UInt16, 0.0, 0.0, 10_000.0).unwrap();
//! assert_eq!(reflectance.dtype.size(), 2);
//! ```

mod aoi;
mod consolidation_params;
mod container;
mod creation_options;
mod data_format;
mod dataset;
mod dtype;
mod error;
pub mod footprint;
mod geometry;
mod geotransform;
pub mod grid;
mod ids;
mod instant;
pub mod job;
mod layout;
mod leftover;
mod names;
mod palette;
mod pattern;
pub mod plan;
mod record;
mod resampling;
mod tags;
pub mod tile;
mod uri;
mod variable;

pub use aoi::{Aoi, AoiGeometry};
pub use consolidation_params::{Compression, ConsolidationParams};
pub use container::{Additions, Container, StorageClass};
pub use creation_options::{FileOptions, Validity};
pub use data_format::{DataFormat, DataMapping, ValueRange};
pub use dataset::{Bands, Dataset, DatasetSource, DatasetStatus};
pub use dtype::DType;
pub use error::{Entity, Error, Result};
pub use geometry::{MultiPolygon, Point, Polygon, Ring};
pub use geotransform::{Extent, GeoTransform, Size};
pub use ids::{AoiId, DatasetId, EventId, InstanceId, JobId, RecordId, RunId, TaskId, VariableId};
pub use instant::{Instant, TimeRange};
pub use layout::Layout;
pub use leftover::Leftover;
pub use names::{MAX_NAME_BYTES, check_name, check_segment};
pub use palette::{ColorPoint, Palette};
pub use pattern::Pattern;
pub use record::{NewRecord, Record, RecordFilters, RecordSelection};
pub use resampling::Resampling;
pub use tags::{TagFilters, Tags};
pub use uri::{Scheme, StoreKind, Uri};
pub use variable::{Instance, Metadata, NewVariable, Variable, VariableUpdate, check_metadata};
