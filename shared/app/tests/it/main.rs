//! Use cases on a real database, with files in a folder of their own.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cubes;
mod grids;
mod indexing;
mod jobs;
mod world;
