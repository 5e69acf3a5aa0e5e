//! Cubes, through the whole stack: catalogue, files, pixels, stream.

mod download;
mod formats;
mod globe;
mod mapping;
mod mosaics;
mod parallel;
mod refusals;
mod selection;
mod stream;
mod warps;

pub use selection::EMPTY;
