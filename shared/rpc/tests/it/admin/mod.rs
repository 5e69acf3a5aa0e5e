//! Maintenance and deletion.

mod deletion;
mod mapping;
mod tidy;
