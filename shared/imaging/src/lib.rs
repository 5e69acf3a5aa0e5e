//! Images: what GDAL does for Geocube, behind an interface that is safe, bounded and free of GDAL's types.
//!
//! [`inspect`] tells what a file holds; [`merge`] renders datasets on a [`Target`] grid; [`encode_png`] and
//! [`encode_gtiff`] turn the result into files; [`consolidate`] writes many records to one tiled file. [`Crs`] reads
//! reference systems and projects points.
//!
//! Everything is synchronous and blocks: callers use threads that may. This crate must not know the catalogue, the
//! wire contract or jobs. All C calls are in one module; where pixels map one to one, no warper is involved.
//!
//! ```
//! use imaging::{Crs, Options, init};
//! init(&Options::default())?;
//! assert_eq!(Crs::parse("EPSG:32632")?.srid(), 32632);
//! # Ok::<(), imaging::Error>(())
//! ```

mod abandon;
mod cast;
mod consolidate;
mod crs;
mod dtype;
mod error;
#[expect(
    unsafe_code,
    reason = "the C interface of GDAL, wrapped by safe functions"
)]
mod ffi;
mod file;
mod gtiff;
mod image;
mod init;
mod limits;
mod local;
mod lru;
mod memory;
mod memory_file;
mod mosaic;
mod outage;
mod prefetch;
mod raster;
mod remote;
mod sample;
mod source;
mod target;
mod tile;
mod warp;

pub use abandon::abandonable;
pub use cast::CastPlan;
pub use consolidate::{ConsolidateSpec, RecordSources, Summary, consolidate};
pub use crs::Crs;
pub use error::{Error, Result};
pub use gtiff::encode_gtiff;
pub use image::Image;
pub use init::{Options, init};
pub use limits::Limits;
pub use local::set_local_files;
pub use mosaic::merge;
pub use outage::Outages;
pub use prefetch::{most_files, prefetch};
pub use remote::{begin, set_remote_store};
pub use source::{FileHeader, FileInfo, Reads, inspect};
pub use target::Target;
pub use tile::encode_png;
