//! Groups of flags shared by binaries, to be flattened into their one clap struct.
//!
//! Names and defaults of flags are a contract with operators; each group says what its values mean together.

mod bounds;
mod certificates;
mod cube;
mod database;
mod gdal;
mod messaging;
mod paths;
mod push_auth;
mod stores;
mod sweep;
mod tls;
mod tokens;
mod worker;

pub use bounds::{BoundFlags, RequestBoundFlags};
pub use certificates::{ClientCertificates, Login};
pub use cube::CubeFlags;
pub use database::{Connection, DatabaseFlags};
pub use gdal::GdalFlags;
pub use messaging::{
    DEFAULT_CONSOLIDATIONS_QUEUE, DEFAULT_EVENTS_QUEUE, Messaging, MessagingFlags,
};
pub use paths::{PathFlags, ReadableFiles};
pub use push_auth::{PushAudience, PushAuthFlags};
pub use stores::StoreFlags;
pub use sweep::{Sweep, SweepFlags};
pub use tls::TlsFlags;
pub use tokens::{LiveTokens, Replaced, TokenFlags, Tokens};
pub use worker::WorkerFlags;
