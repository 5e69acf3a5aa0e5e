use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use quick_cache::Lifecycle;

use super::block::Block;

/// What a cache was good for, since it was asked last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Blocks that were in memory when they were asked for.
    pub hits: u64,
    /// Blocks that were not, those that somebody else had asked for already among them.
    pub misses: u64,
    /// Blocks that made room for others.
    pub evicted: u64,
}

#[derive(Debug, Default)]
pub(super) struct Usage {
    hits: AtomicU64,
    misses: AtomicU64,
    evicted: AtomicU64,
}

impl Usage {
    pub(super) fn hit(&self, blocks: u64) {
        self.hits.fetch_add(blocks, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> CacheUse {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        CacheUse {
            hits: take(&self.hits),
            misses: take(&self.misses),
            evicted: take(&self.evicted),
        }
    }
}

/// Counts the blocks that make room for others.
#[derive(Clone, Debug)]
pub(super) struct Evictions(pub(super) Arc<Usage>);

impl Lifecycle<Block, Bytes> for Evictions {
    type RequestState = ();

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), _: Block, _: Bytes) {
        self.0.evicted.fetch_add(1, Ordering::Relaxed);
    }
}
