//! The consolidater: carries out the orders that a queue pushes to it, or that it pulls, each of which
//! becomes one file.
//!
//! `rpc::http::orders_router` or [`pull_router`] is the whole of what the port answers, to be called without a port
//! in tests. `app::worker::setup` names the database, stores and queues.

pub mod config;
mod pull;

pub use pull::{pull, pull_router};
