//! Images compared with what GDAL's own command lines make of the same files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod consolidate;
mod direct;
mod encodings;
mod hostile;
mod merge;
mod outputs;
mod remote;
mod samples;
mod scene;
mod tools;
mod warp;
