use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use domain::Uri;
use uuid::Uuid;

use crate::{
    Attributes, ByteStream, DeleteOptions, Error, ReadOptions, Result, Storage, UploadOptions,
    pieces,
};

mod doubt;

use doubt::Doubt;

/// Slowest transfer that is waited for.
const BYTES_PER_SECOND: u64 = 1 << 18;

/// How often and how long an operation is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// Tries in all; the first one counts.
    pub tries: u32,
    /// Pause before the second try, doubled after each one, of which a random part is waited.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// No try begins later than this after the first one.
    pub total: Duration,
    /// Time for the answer to one try that reads, on top of what its bytes may take.
    pub answer: Duration,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            tries: 6,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            total: Duration::from_mins(1),
            answer: Duration::from_secs(20),
        }
    }
}

/// Tries again what may succeed later: answers 408, 429 and 5xx, lost connections, truncated and late answers.
///
/// What stays (missing, denied, malformed, changed) is returned at once. A change whose answer was lost may have been
/// made: where its repetition meets a missing or a present file, the store is asked whether that is the result of the
/// change, and if so, it is a success.
#[derive(Clone, Debug)]
pub struct Retrying {
    inner: Arc<dyn Storage>,
    budget: RetryBudget,
}

impl Retrying {
    /// Repeats the operations of `inner` within a budget.
    pub fn new(inner: Arc<dyn Storage>, budget: RetryBudget) -> Self {
        Self { inner, budget }
    }

    async fn repeat<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let start = Instant::now();
        let mut pause = self.budget.first_pause;
        for _ in 1..self.budget.tries {
            let error = match attempt().await {
                Err(error) if error.is_retryable() => error,
                settled => return settled,
            };
            let wait = jittered(pause);
            if start.elapsed() + wait > self.budget.total {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(self.budget.longest_pause);
        }
        attempt().await
    }

    /// As `repeat`, with a bound on the time of each try that moves at most so many bytes.
    async fn repeat_timely<T, F>(&self, uri: &Uri, bytes: u64, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let limit = self
            .budget
            .answer
            .saturating_add(Duration::from_secs(bytes / BYTES_PER_SECOND));
        self.repeat(|| async {
            tokio::time::timeout(limit, attempt())
                .await
                .unwrap_or_else(|_| {
                    Err(Error::Unavailable {
                        uri: uri.clone(),
                        source: format!("no answer within {limit:?}").into(),
                    })
                })
        })
        .await
    }
}

/// Between half of a pause and all of it.
fn jittered(pause: Duration) -> Duration {
    let random = Uuid::new_v4().as_bytes()[0];
    pause.mul_f64(0.5 + f64::from(random) / 510.0)
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Retrying {
    async fn head(&self, uri: &Uri) -> Result<Attributes> {
        self.repeat_timely(uri, 0, || self.inner.head(uri)).await
    }

    async fn read_with(&self, uri: &Uri, options: &ReadOptions) -> Result<Bytes> {
        let read = || self.inner.read_with(uri, options);
        match &options.range {
            Some(range) if length(range) <= pieces::PIECE => {
                self.repeat_timely(uri, length(range), read).await
            }
            // from where it stopped, within a time for each piece
            Some(_) | None => pieces::joined(self, uri, options).await,
        }
    }

    async fn read_start(&self, uri: &Uri, length: u64) -> Result<(Attributes, Bytes)> {
        self.repeat_timely(uri, length, || self.inner.read_start(uri, length))
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
        let tried = self
            .repeat(|| doubt.note(self.inner.upload(uri, data.clone(), options)))
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
            .repeat(|| doubt.note(self.inner.upload_file(uri, path, options)))
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
            .repeat(|| doubt.note(self.inner.delete(uri, options)))
            .await;
        match tried {
            // there was something, or another one deleted it: it is gone
            Err(Error::NotFound { .. }) if doubt.is_there() => Ok(()),
            settled => settled,
        }
    }

    /// Two questions more than the move itself: what is moved, and what it replaces.
    async fn rename(&self, from: &Uri, to: &Uri) -> Result<()> {
        let moved = self.head(from).await?;
        // who may not look there can still move, only not settle a doubt
        let replaced = doubt::present(self.head(to).await);
        let doubt = Doubt::default();
        let tried = self
            .repeat(|| doubt.note(self.inner.rename(from, to)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_random_and_bounded() {
        let pause = Duration::from_millis(100);
        let pauses: Vec<_> = (0..200).map(|_| jittered(pause)).collect();
        assert!(
            pauses
                .iter()
                .all(|wait| *wait >= pause / 2 && *wait <= pause)
        );
        assert!(pauses.iter().any(|wait| *wait != pauses[0]));
    }
}
