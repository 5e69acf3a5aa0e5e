//! Images compared with what GDAL's own command lines make of the same files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod backend;
mod casts;
mod cogeo;
mod consolidate;
mod dateline;
mod direct;
mod encodings;
mod hostile;
mod interleave;
mod judged;
mod layers;
mod links;
mod merge;
mod outputs;
mod patterns;
mod random;
mod remote;
mod reuse;
mod samples;
mod scene;
mod series;
mod tools;
mod warp;
