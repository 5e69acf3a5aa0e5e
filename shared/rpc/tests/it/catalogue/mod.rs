//! The catalogue, call by call.

mod aois;
mod container_layouts;
mod containers;
mod grids;
mod index_formats;
mod indexing;
mod indexing_refusals;
mod layouts;
mod parallel;
mod params;
mod patterns;
mod record_lists;
mod record_tags;
mod records;
mod texts;
mod tiling;
mod variable_changes;
mod variables;

pub use layouts::layout;
pub use variables::BYTES;
