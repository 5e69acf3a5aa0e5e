//! Maintenance of the catalogue.

mod mapping;
mod tidy;

pub use mapping::MappingUpdate;
pub use tidy::TidyCounts;
