//! Detection of cells that lie on each other.

use crate::Ring;
use sha1::{Digest, Sha1};
use std::collections::HashSet;

/// Outlines seen so far, compared bit for bit; 20 bytes for each.
#[derive(Clone, Debug, Default)]
pub struct RingSet(HashSet<[u8; 20]>);

impl RingSet {
    /// Adds an outline; false when it is known already.
    pub fn insert(&mut self, ring: &Ring) -> bool {
        let mut hash = Sha1::new();
        for point in &ring.0 {
            hash.update(point.x.to_le_bytes());
            hash.update(point.y.to_le_bytes());
        }
        self.0.insert(hash.finalize().into())
    }
}
