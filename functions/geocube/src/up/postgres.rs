//! A private `PostgreSQL` with `PostGIS`.

mod binaries;
mod cluster;
mod leftovers;
mod owner;
#[cfg(test)]
mod tests;

pub use cluster::Cluster;
