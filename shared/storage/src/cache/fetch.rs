//! Blocks that are not in memory yet.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use domain::Uri;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::SemaphorePermit;

use super::{
    Cached,
    block::{Block, BlockRef, Missing},
    questions::Waiting,
    runs::runs,
};
use crate::{Attributes, Error, ReadOptions, Result, pieces::PIECE};

/// Bytes of one permit for the memory of answers under way.
const PERMIT: u64 = 1 << 20;

/// Requests for one file that are under way at the same time.
const CONCURRENT: usize = 16;

pub(super) fn permits(bytes: u64) -> u32 {
    let permits = bytes.div_ceil(PERMIT).clamp(1, 1 << 20);
    u32::try_from(permits).unwrap_or(1)
}

impl Cached {
    /// Fetches the blocks of some ranges of a version of a file that are not in memory: neighbours, and those that lie
    /// so near that the bytes between cost less than a request, by one request, all at the same time. Whoever reads
    /// these ranges soon afterwards waits for nothing.
    ///
    /// What is more than a quarter of the capacity is left to those who read it.
    pub async fn prefetch(
        &self,
        uri: &Uri,
        file: &Attributes,
        ranges: &[Range<u64>],
    ) -> Result<()> {
        let fetches = self
            .missing_runs(uri, file, ranges)
            .into_iter()
            .map(|run| async move { self.blocks(uri, file, run).await.map(drop) });
        let fetched = stream::iter(fetches)
            .buffer_unordered(CONCURRENT)
            .try_collect()
            .await;
        if let Err(Error::Changed { .. } | Error::NotFound { .. }) = fetched {
            // whoever opens the file again asks for its version
            self.forget(uri);
        }
        fetched
    }

    /// Whether [`Self::prefetch`] has nothing to fetch.
    pub fn has(&self, uri: &Uri, file: &Attributes, ranges: &[Range<u64>]) -> bool {
        self.missing_runs(uri, file, ranges).is_empty()
    }

    /// Bytes of one block.
    pub fn block_bytes(&self) -> u64 {
        self.options.block
    }

    /// Blocks that [`Self::prefetch`] fetches at most.
    pub fn most_blocks(&self) -> usize {
        (self.most_bytes() / self.options.block) as usize
    }

    /// Bytes that [`Self::prefetch`] fetches at most.
    pub fn most_bytes(&self) -> u64 {
        self.options.capacity / 4
    }

    /// Indexes of the blocks that [`Self::prefetch`] asks for, one range for each request.
    fn missing_runs(&self, uri: &Uri, file: &Attributes, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
        let block = self.options.block;
        let is_missing = |index: &u64| {
            let key = BlockRef {
                uri,
                version: &file.version,
                index: *index,
            };
            self.blocks.peek(&key).is_none()
        };
        let cut = ranges
            .iter()
            .map(|range| range.start.min(file.size)..range.end.min(file.size))
            .filter(|range| range.start < range.end);
        let mut missing: Vec<u64> = cut
            .flat_map(|range| self.indexes(&range))
            .filter(is_missing)
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing.truncate(self.most_blocks());
        runs(&missing, block)
    }

    /// Some neighbouring blocks, those that are missing fetched in as few requests as there are gaps, or pieces of
    /// them.
    pub(super) async fn blocks(
        &self,
        uri: &Uri,
        file: &Attributes,
        indexes: Range<u64>,
    ) -> Result<Vec<Bytes>> {
        let longest = (PIECE / self.options.block).max(1);
        let mut found: Vec<Option<Bytes>> = Vec::new();
        let mut gaps: Vec<(u64, Vec<Missing<'_>>)> = Vec::new();
        let mut asked: Vec<Waiting<'_, Block>> = Vec::new();
        // Always upwards: whoever waits for a block holds none behind it, so that nobody waits in a circle.
        for index in indexes {
            let key = Block {
                uri: uri.clone(),
                version: file.version.clone(),
                index,
            };
            if let Some(block) = self.blocks.get(&key) {
                self.usage.hit(1);
                found.push(Some(block));
                continue;
            }
            self.usage.missed();
            let waiting = self.fetches.join(&key);
            match self.blocks.get_value_or_guard_async(&key).await {
                Ok(block) => found.push(Some(block)),
                Err(missing) => {
                    if let Some(failure) = waiting.failure() {
                        return Err(failure);
                    }
                    asked.push(waiting);
                    found.push(None);
                    match gaps.last_mut() {
                        Some((start, gap))
                            if *start + gap.len() as u64 == index
                                && (gap.len() as u64) < longest =>
                        {
                            gap.push(missing);
                        }
                        Some(_) | None => gaps.push((index, vec![missing])),
                    }
                }
            }
        }
        let fetches: Vec<_> = gaps
            .into_iter()
            .map(|(start, gap)| self.fetch(uri, file, start, gap, &asked))
            .collect();
        let fetched: Vec<Vec<Bytes>> = stream::iter(fetches)
            .buffered(CONCURRENT)
            .try_collect()
            .await?;
        let mut fetched = fetched.into_iter().flatten();
        Ok(found
            .into_iter()
            .filter_map(|block| block.or_else(|| fetched.next()))
            .collect())
    }

    /// Opens a file: its attributes, and its first block into memory.
    pub(super) async fn start(&self, uri: &Uri) -> Result<Attributes> {
        let block = self.options.block;
        let _room = self.room(block).await;
        let (found, data) = self.inner.read_start(uri, block).await?;
        if !data.is_empty() && data.len() as u64 == found.size.min(block) {
            let key = Block {
                uri: uri.clone(),
                version: found.version.clone(),
                index: 0,
            };
            self.blocks.insert(key, Bytes::copy_from_slice(&data));
        }
        Ok(found)
    }

    /// Room for an answer, all of it for one that is larger. Whoever has room waits for the store alone.
    pub(super) async fn room(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let most = permits(self.options.capacity / 4);
        // never closed
        self.room.acquire_many(permits(bytes).min(most)).await.ok()
    }

    /// Blocks side by side, by one request. Its failure is that of all that is `asked` for together.
    async fn fetch(
        &self,
        uri: &Uri,
        file: &Attributes,
        start: u64,
        gap: Vec<Missing<'_>>,
        asked: &[Waiting<'_, Block>],
    ) -> Result<Vec<Bytes>> {
        let size = self.options.block;
        let range = start * size..((start + gap.len() as u64) * size).min(file.size);
        let _room = self.room(range.end - range.start).await;
        let data = match self.exactly(uri, file, range).await {
            Ok(data) => data,
            Err(failure) => {
                let failure = Arc::new(failure);
                // told before the places of the blocks are given to those who wait for them
                for waiting in asked {
                    waiting.fail(&failure);
                }
                return Err(Error::shared(&failure));
            }
        };
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

    async fn exactly(&self, uri: &Uri, file: &Attributes, range: Range<u64>) -> Result<Bytes> {
        let length = range.end - range.start;
        let options = ReadOptions {
            range: Some(range),
            version: Some(file.version.clone()),
        };
        let data = self.inner.read_with(uri, &options).await?;
        if data.len() as u64 != length {
            return Err(Error::Changed { uri: uri.clone() });
        }
        Ok(data)
    }
}
