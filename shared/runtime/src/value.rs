//! Parsers of flag values: Go's notation for integers, booleans and durations, sizes in bytes, lists.

mod duration;
mod integer;
mod list;
mod size;

pub use duration::duration;
pub use integer::{boolean, integer};
pub use list::List;
pub use size::{block_size, byte_size};

/// Why a value was refused, in words that follow "invalid value".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct ValueError {
    expected: String,
}

impl ValueError {
    /// An error that says what was `expected` instead.
    pub fn new(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
        }
    }
}
