use std::{ops::Range, path::Path, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, RenameOptions, Result, Storage,
    UploadOptions, pieces,
};

mod budget;
mod doubt;
mod tries;
mod trouble;

pub use budget::RetryBudget;
use doubt::Doubt;
#[cfg(any(feature = "gcs", feature = "s3"))]
pub(crate) use tries::repeat;
pub(crate) use tries::{Tries, within};
use trouble::{Patience, Troubles};

/// Tries again what may succeed later: answers 408, 429 and 5xx, lost connections, truncated and late answers.
///
/// What stays (missing, denied, malformed, changed) is returned at once. A change whose answer was lost may have been
/// made: where its repetition meets a missing or a present file, the store is asked whether that is the result of the
/// change, and if so, it is a success.
///
/// A bucket that gave no answer at all for the whole time of a budget is asked but once, and shortly, until it answers:
/// many operations on it cost about as much as one. A failure without any answer of the bucket meanwhile
/// [says so](Error::is_of_bucket).
#[derive(Clone, Debug)]
pub struct Retrying {
    inner: Arc<dyn Storage>,
    budget: RetryBudget,
    troubles: Arc<Troubles>,
}

impl Retrying {
    /// Repeats the operations of `inner` within a budget.
    pub fn new(inner: Arc<dyn Storage>, budget: RetryBudget) -> Self {
        Self {
            inner,
            budget,
            troubles: Arc::default(),
        }
    }

    /// Tries, each bounded in time when it is known how many bytes it moves at most.
    async fn repeat<T, F>(
        &self,
        uri: &Uri,
        bytes: Option<u64>,
        attempt: impl Fn() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut tries = Tries::of(self.budget);
        let first = Instant::now();
        loop {
            let began = Instant::now();
            // others may have found out meanwhile
            let patience = self.troubles.patience(uri, self.budget.total, began);
            let tried = match bytes {
                Some(bytes) => within(patience.limit(&self.budget, bytes), uri, attempt()).await,
                None => attempt().await,
            };
            match tried {
                Err(failure) if failure.is_retryable() => {
                    self.troubles.failed(uri, began, Instant::now());
                    let paused = match patience {
                        Patience::All => tries.pause(began, failure).await,
                        Patience::Once | Patience::Short => Err(failure),
                    };
                    if let Err(failure) = paused {
                        let is_silent = self.troubles.is_silent_since(uri, first);
                        return Err(if is_silent {
                            failure.of_bucket()
                        } else {
                            failure
                        });
                    }
                }
                settled => {
                    self.troubles.over(uri, Instant::now());
                    return settled;
                }
            }
        }
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Retrying {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.repeat(uri, Some(0), || self.inner.head(uri)).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let read = || self.inner.read_with(uri, options);
        match &options.range {
            Some(range) if length(range) <= pieces::PIECE => {
                self.repeat(uri, Some(length(range)), read).await
            }
            // from where it stopped, within a time for each piece
            Some(_) | None => pieces::joined(self, uri, options).await,
        }
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.repeat(uri, Some(length), || self.inner.read_start(uri, length))
            .await
    }

    /// Each range is tried on its own: those that came are not read again.
    async fn read_ranges(
        &self,
        uri: &Uri,
        ranges: &[Range<u64>],
        version: Option<&str>,
    ) -> Result<Vec<Bytes>> {
        pieces::ranges(self, uri, ranges, version).await
    }

    /// By pieces, so that a break in the middle is mended from there.
    async fn read_stream(&self, uri: &Uri) -> Result<ByteStream> {
        pieces::stream(self.clone(), uri).await
    }

    async fn upload(&self, uri: &Uri, data: Bytes, options: &UploadOptions) -> Result<()> {
        let doubt = Doubt::default();
        let size = data.len() as u64;
        // more goes up by parts, each with a time of its own
        let bytes = (size <= pieces::PIECE).then_some(size);
        let tried = self
            .repeat(uri, bytes, || {
                doubt.note(self.inner.upload(uri, data.clone(), options))
            })
            .await;
        match tried {
            Err(Error::AlreadyExists { uri }) if doubt.is_there() => {
                doubt::settle(self.has_content(&uri, &data).await?, || {
                    Error::AlreadyExists { uri }
                })
            }
            settled => settled,
        }
    }

    async fn upload_file(&self, uri: &Uri, path: &Path, options: &UploadOptions) -> Result<()> {
        let doubt = Doubt::default();
        let tried = self
            .repeat(uri, None, || {
                doubt.note(self.inner.upload_file(uri, path, options))
            })
            .await;
        match tried {
            Err(Error::AlreadyExists { uri }) if doubt.is_there() => {
                doubt::settle(self.has_content_of(&uri, path).await?, || {
                    Error::AlreadyExists { uri }
                })
            }
            settled => settled,
        }
    }

    async fn delete(&self, uri: &Uri, options: &DeleteOptions) -> Result<()> {
        let doubt = Doubt::default();
        let tried = self
            .repeat(uri, Some(0), || doubt.note(self.inner.delete(uri, options)))
            .await;
        match tried {
            // there was something, or another one deleted it: it is gone
            Err(Error::NotFound { .. }) if doubt.is_there() => Ok(()),
            settled => settled,
        }
    }

    /// Two questions more than the move itself: what is moved, and what it replaces.
    async fn rename_with(&self, from: &Uri, to: &Uri, options: &RenameOptions) -> Result<()> {
        let moved = self.head(from).await?;
        // who may not look there can still move, only not settle a doubt
        let replaced = doubt::present(self.head(to).await);
        let doubt = Doubt::default();
        let tried = self
            .repeat(from, None, || {
                doubt.note(self.inner.rename_with(from, to, options))
            })
            .await;
        match tried {
            Err(Error::NotFound { uri }) if doubt.is_there() => {
                let (replaced, found) = (replaced?, doubt::present(self.head(to).await)?);
                doubt::settle(
                    doubt::was_moved(&moved, replaced.as_ref(), found.as_ref()),
                    || Error::NotFound { uri },
                )
            }
            settled => settled,
        }
    }
}
