//! Cubes: stacks of images of one variable on one pixel grid.

mod ahead;
mod build;
mod copies;
mod download;
mod extent;
mod look_up;
mod payload;
mod request;
mod slice;

pub use build::{BuiltImage, Cube};
pub use copies::copies_folder;
pub use download::{DownloadOptions, DownloadRequest, Downloader};
pub use payload::{PART_BYTES, Payload, PayloadCompression};
pub use request::{CubeHeader, CubeRequest, ImageFormat};
pub use slice::{CubeSelection, RecordDatasets, Slice};

pub(crate) use build::parse_crs;
pub(crate) use look_up::is_of_a_file;
pub(crate) use slice::{group, merged_tags};

pub(crate) use extent::geographic_extent;
