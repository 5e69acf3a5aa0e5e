//! The consolidater: carries out the orders that a queue pushes to it, each of which becomes one
//! file.
//!
//! [`router`] is the whole of what the port answers, to be called without a port in tests. `main`
//! alone names the database, stores and queues.

pub mod config;
mod not_built_in;
mod options;
mod router;

pub use not_built_in::not_built_in;
pub use options::{options, unguarded};
pub use router::router;
