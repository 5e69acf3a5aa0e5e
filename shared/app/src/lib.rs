//! The use cases of Geocube: what each call of the service means, whatever carries it.
//!
//! A use case takes checked domain values, talks to the catalogue, the store, the queue and GDAL,
//! and answers domain values or an [`Error`]. This crate must not know protobuf or HTTP routes, and
//! of command lines only the groups of flags that say where files are: `rpc` and the functions wrap
//! it. Rules live in `domain`; what is here is the order of the steps, their transactions and their
//! bounds.

mod admin;
mod catalogue;
mod context;
mod cube;
mod engine;
mod error;
#[cfg(not(feature = "failpoints"))]
mod failpoint;
#[cfg(feature = "failpoints")]
pub mod failpoint;
pub mod job;
mod limits;
mod login;
mod paths;
#[cfg(feature = "object-stores")]
mod stores;
pub mod texts;
mod tile;
mod together;
mod traffic;
pub mod worker;

pub use admin::{MappingUpdate, TidyCounts};
pub use catalogue::{
    FollowedLayout, GridSummary, InstanceUpdate, LayoutQuery, NewCell, NewContainer, NewDataset,
    NewGrid, Page, RecordQuery, Tile, VariableKey,
};
pub use context::{App, Options};
pub use cube::{
    BuiltImage, Cube, CubeHeader, CubeRequest, CubeSelection, DownloadOptions, DownloadRequest,
    Downloader, ImageFormat, Payload, PayloadCompression, RecordDatasets, Slice, copies_folder,
};
pub use engine::Engine;
pub use error::{Error, Result};
pub use job::JobSnapshot;
pub use limits::Limits;
pub use login::connect_options;
pub use paths::PathPolicy;
#[cfg(feature = "object-stores")]
pub use stores::{open_storage, open_stores};
pub use tile::TileRequest;
