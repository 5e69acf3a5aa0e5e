//! The catalogue, call by call.

mod aois;
mod containers;
mod indexing;
mod layouts;
mod parallel;
mod params;
mod patterns;
mod record_tags;
mod records;
mod tiling;
mod variables;
