mod block;
mod fetch;
mod questions;
mod runs;
mod usage;

use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::Uri;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, sync::Cache};
use tokio::sync::Semaphore;

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions, pieces, ranges::cut,
};
use block::{Block, BlockRef, Blocks, Weight};
use questions::Questions;
pub use usage::CacheUse;
use usage::{Evictions, Usage};

/// Times that a file may be replaced while it is read, before the read fails.
const REPLACED: u32 = 16;
/// By how much longer each time whoever replaces the file is waited for; what was known for too long is asked again at once.
const PAUSE: Duration = Duration::from_millis(5);

/// Files whose size and version are remembered.
const FILES: usize = 10_000;

/// Bounds of a block cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Size of a block, the unit of requests.
    pub block: u64,
    /// Bytes of all blocks that are kept.
    pub capacity: u64,
    /// How long size and version of a file are believed without a request.
    pub fresh: Duration,
}

/// Keeps blocks of files in memory: each is fetched once for each version of its file, also when several ask for it at
/// the same time, and neighbours that are missing are one request.
///
/// Blocks of two versions are never mixed. Failures are not kept, nor is the absence of a file: those who waited for a
/// question that failed are told so, and who comes later asks again. [`Storage::head`] always
/// asks the store; reads believe what they know for a while, and ask again when the store has another version.
#[derive(Clone, Debug)]
pub struct Cached {
    inner: Arc<dyn Storage>,
    options: CacheOptions,
    blocks: Arc<Blocks>,
    usage: Arc<Usage>,
    files: Arc<Cache<Uri, (Arc<Attributes>, Instant)>>,
    openings: Arc<Questions<Uri>>,
    fetches: Arc<Questions<Block>>,
    /// Memory of answers under way, in units of [`fetch::PERMIT`].
    room: Arc<Semaphore>,
}

impl Cached {
    /// Keeps what is read of `inner` within bounds.
    pub fn new(inner: Arc<dyn Storage>, options: CacheOptions) -> Self {
        let options = CacheOptions {
            block: options.block.max(1),
            ..options
        };
        let settings = OptionsBuilder::new()
            // a shard would only hold its share
            .shards(1)
            .estimated_items_capacity((options.capacity / options.block) as usize + 1)
            .weight_capacity(options.capacity)
            .build()
            .expect("all that is needed is given");
        let usage = Arc::<Usage>::default();
        Self {
            inner,
            options,
            blocks: Arc::new(Cache::with_options(
                settings,
                Weight,
                DefaultHashBuilder::default(),
                Evictions(Arc::clone(&usage)),
            )),
            usage,
            files: Arc::new(Cache::new(FILES)),
            openings: Arc::default(),
            fetches: Arc::default(),
            room: Arc::new(Semaphore::new(fetch::permits(options.capacity / 4) as usize)),
        }
    }

    /// Size and version of a file, without a request when they were seen a short time ago. The first time, the
    /// same request brings the first block. Those who ask at the same time wait for one answer.
    pub async fn known(&self, uri: &Uri) -> Result<Arc<Attributes>> {
        if let Some(known) = self.remembered(uri) {
            return Ok(known);
        }
        // what is old, and never a question under way, whose answer would be lost
        let seen_before = self
            .files
            .remove_if(uri, |(_, seen)| seen.elapsed() > self.options.fresh)
            .is_some();
        let waiting = self.openings.join(uri);
        let place = match self.files.get_value_or_guard_async(uri).await {
            Ok((known, _)) => return Ok(known),
            Err(place) => place,
        };
        if let Some(failure) = waiting.failure() {
            return Err(failure);
        }
        let asked = if seen_before {
            self.inner.head(uri).await
        } else {
            self.start(uri).await
        };
        match asked {
            Ok(found) => {
                let known = Arc::new(found);
                // what was changed meanwhile is not remembered
                _ = place.insert((Arc::clone(&known), Instant::now()));
                Ok(known)
            }
            Err(failure) => {
                let failure = Arc::new(failure);
                waiting.fail(&failure);
                Err(Error::shared(&failure))
            }
        }
    }

    /// Size and version of a file that were seen a short time ago.
    pub fn remembered(&self, uri: &Uri) -> Option<Arc<Attributes>> {
        let (known, seen) = self.files.get(uri)?;
        (seen.elapsed() <= self.options.fresh).then_some(known)
    }

    /// A range of a version of a file, cut at its end, when all its blocks are in memory.
    pub fn held(&self, uri: &Uri, range: &Range<u64>, file: &Attributes) -> Option<Bytes> {
        let range = cut(uri, range, file.size).ok()?;
        if range.is_empty() {
            return Some(Bytes::new());
        }
        let block = |index| {
            let key = BlockRef {
                uri,
                version: &file.version,
                index,
            };
            self.blocks.get(&key)
        };
        let blocks: Option<Vec<Bytes>> = self.indexes(&range).map(block).collect();
        let blocks = blocks?;
        self.usage.hit(blocks.len() as u64);
        Some(self.cut_out(&range, &blocks))
    }

    /// Bytes of the blocks in memory, names included: at most the capacity.
    pub fn held_bytes(&self) -> u64 {
        self.blocks.weight()
    }

    /// Blocks that were found, missed and given up since the last call.
    pub fn take_use(&self) -> CacheUse {
        self.usage.take()
    }

    /// Indexes of the blocks of a range that is not empty.
    fn indexes(&self, range: &Range<u64>) -> Range<u64> {
        let size = self.options.block;
        range.start / size..(range.end - 1) / size + 1
    }

    /// A range out of the blocks that hold it.
    fn cut_out(&self, range: &Range<u64>, blocks: &[Bytes]) -> Bytes {
        let start = (range.start % self.options.block) as usize;
        let length = (range.end - range.start) as usize;
        if let [block] = blocks {
            return block.slice(start..start + length);
        }
        let mut data = BytesMut::with_capacity(blocks.iter().map(Bytes::len).sum());
        for block in blocks {
            data.extend_from_slice(block);
        }
        data.freeze().slice(start..start + length)
    }

    async fn read_version(
        &self,
        uri: &Uri,
        range: &Range<u64>,
        file: &Attributes,
    ) -> Result<Bytes> {
        let range = cut(uri, range, file.size)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        if range.end - range.start > self.options.capacity / 4 {
            // it would push out everything else
            let _room = self.room(range.end - range.start).await;
            let options = ReadOptions {
                range: Some(range),
                version: Some(file.version.clone()),
            };
            return self.inner.read_with(uri, &options).await;
        }
        let blocks = self.blocks(uri, file, self.indexes(&range)).await?;
        Ok(self.cut_out(&range, &blocks))
    }

    /// A question under way is not remembered either: it may have been answered before the change.
    fn forget(&self, uri: &Uri) {
        self.files.remove(uri);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Cached {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.forget(uri);
        let found = self.inner.head(uri).await?;
        self.files
            .insert(uri.clone(), (Arc::new(found.clone()), Instant::now()));
        Ok(found)
    }

    /// Past the cache.
    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.inner.read_start(uri, length).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let all = 0..u64::MAX;
        let range = options.range.as_ref().unwrap_or(&all);
        // who asks for one version has one only
        let most = options.version.as_ref().map_or(REPLACED, |_| 1);
        let mut tries = 0;
        loop {
            let read = match self.known(uri).await {
                Ok(file) => {
                    let is_current = |version: &String| *version == file.version;
                    if options.version.as_ref().is_none_or(is_current) {
                        self.read_version(uri, range, &file).await
                    } else {
                        Err(Error::Changed { uri: uri.clone() })
                    }
                }
                // replaced while it was looked at
                Err(changed @ Error::Changed { .. }) => Err(changed),
                Err(error) => return Err(error),
            };
            match read {
                // what was known may be old
                Err(Error::Changed { .. }) if tries < most => {
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                Err(Error::NotFound { .. }) if tries < most => tries = most,
                settled => return settled,
            }
            self.forget(uri);
        }
    }

    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        pieces::ranges(self, uri, ranges, version).await
    }

    /// Past the cache.
    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        self.inner.read_stream(uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        let written = self.inner.upload(uri, data, options).await;
        self.forget(uri);
        written
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let written = self.inner.upload_file(uri, path, options).await;
        self.forget(uri);
        written
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        let deleted = self.inner.delete(uri, options).await;
        self.forget(uri);
        deleted
    }

    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let moved = self.inner.rename_with(from, to, options).await;
        self.forget(from);
        self.forget(to);
        moved
    }
}
