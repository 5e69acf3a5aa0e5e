use std::hash::Hash;

use bytes::Bytes;
use domain::Uri;
use quick_cache::{
    DefaultHashBuilder, Equivalent, Weighter,
    sync::{Cache, PlaceholderGuard},
};

use super::usage::Evictions;

pub(super) type Blocks = Cache<Block, Bytes, Weight, DefaultHashBuilder, Evictions>;
pub(super) type Missing<'a> =
    PlaceholderGuard<'a, Block, Bytes, Weight, DefaultHashBuilder, Evictions>;

/// A block of a version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) uri: Uri,
    pub(super) version: String,
    pub(super) index: u64,
}

/// The same, borrowed, to look it up.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct BlockRef<'a> {
    pub(super) uri: &'a Uri,
    pub(super) version: &'a str,
    pub(super) index: u64,
}

impl Equivalent<Block> for BlockRef<'_> {
    fn equivalent(&self, key: &Block) -> bool {
        self.index == key.index && *self.uri == key.uri && self.version == key.version
    }
}

#[derive(Clone, Debug)]
pub(super) struct Weight;

impl Weighter<Block, Bytes> for Weight {
    fn weight(&self, key: &Block, data: &Bytes) -> u64 {
        (size_of::<Block>() + key.uri.as_str().len() + key.version.len() + data.len()) as u64
    }
}
