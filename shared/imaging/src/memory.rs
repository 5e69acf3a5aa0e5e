//! Buffers whose size is checked before they exist.

use crate::{Error, Result};

/// `factors` multiplied, when within `limit`.
pub(crate) fn checked_size(what: &'static str, factors: &[usize], limit: u64) -> Result<usize> {
    let mut needed = 1_u64;
    for factor in factors {
        needed = needed.saturating_mul(*factor as u64);
    }
    let too_large = || Error::TooLarge {
        what,
        needed,
        limit,
    };
    if needed > limit {
        return Err(too_large());
    }
    usize::try_from(needed).map_err(|_| too_large())
}

/// A buffer of zeros; an error instead of an abort when there is no memory.
pub(crate) fn zeroed(what: &'static str, size: usize) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    let refused = |_| Error::TooLarge {
        what,
        needed: size as u64,
        limit: 0,
    };
    buffer.try_reserve_exact(size).map_err(refused)?;
    buffer.resize(size, 0);
    Ok(buffer)
}
