//! The downloader: cubes out of headers that the API server gave, built near the files or near the client.
//!
//! [`router`] is the whole of what the port answers. There is no database and no queue behind it: a request says
//! which files to read and how, within what the flags allow.

pub mod config;
mod options;
mod router;

pub use options::options;
pub use router::router;
