//! The gRPC surface: generated wire types, their conversions from and to the domain, and the one
//! table from errors to statuses.
//!
//! Wire types stop here: the floors below never see protobuf. This crate knows no SQL, no raster
//! and no storage; a handler parses a request, calls one use case of `app` and converts the answer.
//!
//! ```
//! let descriptors = rpc::pb::FILE_DESCRIPTOR_SET; // for server reflection
//! assert!(!descriptors.is_empty());
//! ```

mod convert;
pub mod http;
mod oversize;
pub mod pb;
mod services;
mod status;
#[cfg(feature = "testing")]
pub mod testing;

pub use oversize::OversizeLayer;
pub use services::{
    AdminService, DownloaderService, GeocubeService, downloader_routes, grpc_routes,
    with_health_and_reflection,
};
pub use status::{domain_status, http_status, status};
