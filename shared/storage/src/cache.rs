use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use domain::Uri;
use futures::future::try_join_all;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle, PlaceholderGuard},
};

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, Result, Storage, UploadOptions,
    pieces, ranges::cut,
};

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
/// Blocks of two versions are never mixed. Failures are not kept, nor is the absence of a file. [`Storage::head`] always
/// asks the store; reads believe what they know for a while, and ask again when the store has another version.
#[derive(Clone, Debug)]
pub struct Cached {
    inner: Arc<dyn Storage>,
    options: CacheOptions,
    blocks: Arc<Blocks>,
    files: Arc<Cache<Uri, (Arc<Attributes>, Instant)>>,
}

type Blocks = Cache<Block, Bytes, Weight>;
type Missing<'a> =
    PlaceholderGuard<'a, Block, Bytes, Weight, DefaultHashBuilder, DefaultLifecycle<Block, Bytes>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Block {
    uri: Uri,
    version: String,
    index: u64,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<Block, Bytes> for Weight {
    fn weight(&self, key: &Block, data: &Bytes) -> u64 {
        (size_of::<Block>() + key.uri.as_str().len() + key.version.len() + data.len()) as u64
    }
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
        Self {
            inner,
            options,
            blocks: Arc::new(Cache::with_options(
                settings,
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            )),
            files: Arc::new(Cache::new(FILES)),
        }
    }

    /// Size and version of a file, without a request when they were seen a short time ago.
    pub async fn known(&self, uri: &Uri) -> Result<Arc<Attributes>> {
        let young = |seen: &Instant| seen.elapsed() <= self.options.fresh;
        if let Some((known, _)) = self.files.get(uri).filter(|(_, seen)| young(seen)) {
            return Ok(known);
        }
        self.files.remove(uri);
        let ask = async {
            let found = self.inner.head(uri).await?;
            Ok((Arc::new(found), Instant::now()))
        };
        self.files
            .get_or_insert_async(uri, ask)
            .await
            .map(|(known, _)| known)
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
            let options = ReadOptions {
                range: Some(range),
                version: Some(file.version.clone()),
            };
            return self.inner.read_with(uri, &options).await;
        }
        let size = self.options.block;
        let first = range.start / size;
        let blocks = self
            .blocks(uri, file, first..(range.end - 1) / size + 1)
            .await?;
        let start = (range.start - first * size) as usize;
        let length = (range.end - range.start) as usize;
        if let [block] = blocks.as_slice() {
            return Ok(block.slice(start..start + length));
        }
        let mut data = BytesMut::with_capacity(blocks.iter().map(Bytes::len).sum());
        for block in &blocks {
            data.extend_from_slice(block);
        }
        Ok(data.freeze().slice(start..start + length))
    }

    /// Some neighbouring blocks, those that are missing fetched in as few requests as there are gaps.
    async fn blocks(
        &self,
        uri: &Uri,
        file: &Attributes,
        indexes: Range<u64>,
    ) -> Result<Vec<Bytes>> {
        let mut found: Vec<Option<Bytes>> = Vec::new();
        let mut gaps: Vec<(u64, Vec<Missing<'_>>)> = Vec::new();
        // Always upwards: whoever waits for a block holds none behind it, so that nobody waits in a circle.
        for index in indexes.clone() {
            let key = Block {
                uri: uri.clone(),
                version: file.version.clone(),
                index,
            };
            match self.blocks.get_value_or_guard_async(&key).await {
                Ok(block) => found.push(Some(block)),
                Err(missing) => {
                    found.push(None);
                    match gaps.last_mut() {
                        Some((start, gap)) if *start + gap.len() as u64 == index => {
                            gap.push(missing);
                        }
                        Some(_) | None => gaps.push((index, vec![missing])),
                    }
                }
            }
        }
        let fetches = gaps
            .into_iter()
            .map(|(start, gap)| self.fetch(uri, file, start, gap));
        let mut fetched = try_join_all(fetches).await?.into_iter().flatten();
        Ok(found
            .into_iter()
            .filter_map(|block| block.or_else(|| fetched.next()))
            .collect())
    }

    async fn fetch(
        &self,
        uri: &Uri,
        file: &Attributes,
        start: u64,
        gap: Vec<Missing<'_>>,
    ) -> Result<Vec<Bytes>> {
        let size = self.options.block;
        let range = start * size..((start + gap.len() as u64) * size).min(file.size);
        let options = ReadOptions {
            range: Some(range.clone()),
            version: Some(file.version.clone()),
        };
        let data = self.inner.read_with(uri, &options).await?;
        if data.len() as u64 != range.end - range.start {
            return Err(Error::Changed { uri: uri.clone() });
        }
        let mut blocks = Vec::with_capacity(gap.len());
        for (index, missing) in gap.into_iter().enumerate() {
            let from = index * size as usize;
            let part = &data[from..data.len().min(from + size as usize)];
            // a copy of its own: a slice would keep the whole answer in memory
            let block = Bytes::copy_from_slice(part);
            // a block that was dropped meanwhile is fetched again by the next one
            let _ = missing.insert(block.clone());
            blocks.push(block);
        }
        Ok(blocks)
    }

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

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let all = 0..u64::MAX;
        let range = options.range.as_ref().unwrap_or(&all);
        for last in [false, true] {
            let file = self.known(uri).await?;
            let current = options
                .version
                .as_ref()
                .is_none_or(|version| *version == file.version);
            let read = if current {
                self.read_version(uri, range, &file).await
            } else {
                Err(Error::Changed { uri: uri.clone() })
            };
            match read {
                // what was known may be old
                Err(Error::Changed { .. } | Error::NotFound { .. }) if !last => self.forget(uri),
                settled => return settled,
            }
        }
        Err(Error::Changed { uri: uri.clone() })
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

    async fn rename(&self, from: &Uri, to: &Uri) -> Result<()> {
        let moved = self.inner.rename(from, to).await;
        self.forget(from);
        self.forget(to);
        moved
    }
}
