//! TIFF files for tests: small valid ones of every form, and what damage makes of them. All of them come from seeds.

mod build;
mod damage;
mod encode;
mod random;

pub use build::{Sample, samples};
pub use damage::damaged;
