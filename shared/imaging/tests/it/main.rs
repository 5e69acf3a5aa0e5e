//! Images compared with what GDAL's own command lines make of the same files.

mod consolidate;
mod hostile;
mod merge;
mod outputs;
mod scene;
mod tools;
mod warp;
