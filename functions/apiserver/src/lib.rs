//! The API server: catalogue, cubes, tiles and jobs over gRPC and HTTP, on one port.
//!
//! [`router`] is the whole of what the port answers, to be called without a port in tests; the
//! tasks of [`background`] run beside it. `main` alone names the database, stores and queues.

pub mod background;
pub mod config;
mod connections;
mod grpc;
mod options;
mod router;

pub use connections::Connections;
pub use options::options;
pub use router::{RouterOptions, router};
