//! Use cases on a real database, with files in a folder of their own.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cubes;
mod grids;
mod indexing;
mod jobs;
mod opens;
#[expect(dead_code, reason = "faults are for the tests of the crate storage")]
#[path = "../../../storage/tests/it/proxy.rs"]
mod proxy;
mod world;
