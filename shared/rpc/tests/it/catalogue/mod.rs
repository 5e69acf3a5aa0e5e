//! The catalogue, call by call.

mod aois;
mod containers;
mod indexing;
mod indexing_refusals;
mod layouts;
mod parallel;
mod params;
mod patterns;
mod record_lists;
mod record_tags;
mod records;
mod tiling;
mod variable_changes;
mod variables;
