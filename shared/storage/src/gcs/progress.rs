//! Transfers that are given up when nothing moves any more.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use domain::Uri;
use google_cloud_storage::streaming_source::{Seek, SizeHint, StreamingSource};
use tokio::time::Instant;

use crate::{Error, Result};

/// Content in memory goes up in parts of this size, so that its progress is seen.
const PART: usize = 256 << 10;

/// Waits for the next part of an answer, at most so long.
pub(super) async fn timely<T>(
    uri: &Uri,
    patience: Duration,
    part: impl Future<Output = T>,
) -> Result<T> {
    tokio::time::timeout(patience, part)
        .await
        .map_err(|_| Error::late(uri, patience))
}

/// When content moved last.
#[derive(Clone, Debug)]
pub(super) struct Moved(Arc<Mutex<Instant>>);

impl Moved {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an upload as long as its content is taken.
    pub(super) async fn watch<T>(
        &self,
        uri: &Uri,
        patience: Duration,
        upload: impl Future<Output = T>,
    ) -> Result<T> {
        tokio::pin!(upload);
        loop {
            let end = self.last() + patience;
            match tokio::time::timeout_at(end, &mut upload).await {
                Ok(done) => return Ok(done),
                Err(_) if self.last() + patience > end => {}
                Err(_) => return Err(Error::late(uri, patience)),
            }
        }
    }
}

/// Content on its way up.
pub(super) struct Watched<S> {
    pub(super) content: S,
    pub(super) moved: Moved,
}

impl<S: StreamingSource + Send + Sync> StreamingSource for Watched<S> {
    type Error = S::Error;

    async fn next(&mut self) -> Option<Result<Bytes, Self::Error>> {
        self.moved.again();
        self.content.next().await
    }

    async fn size_hint(&self) -> Result<SizeHint, Self::Error> {
        self.content.size_hint().await
    }
}

impl<S: Seek + Send> Seek for Watched<S> {
    type Error = S::Error;

    async fn seek(&mut self, offset: u64) -> Result<(), Self::Error> {
        self.moved.again();
        self.content.seek(offset).await
    }
}

/// Content in memory.
pub(super) struct Parts {
    data: Bytes,
    next: usize,
}

impl Parts {
    pub(super) fn of(data: Bytes) -> Self {
        Self { data, next: 0 }
    }
}

impl StreamingSource for Parts {
    type Error = Infallible;

    async fn next(&mut self) -> Option<Result<Bytes, Self::Error>> {
        let start = self.next;
        self.next = self.data.len().min(start.saturating_add(PART));
        (start < self.next).then(|| Ok(self.data.slice(start..self.next)))
    }

    async fn size_hint(&self) -> Result<SizeHint, Self::Error> {
        Ok(SizeHint::with_exact(self.data.len() as u64))
    }
}

impl Seek for Parts {
    type Error = Infallible;

    async fn seek(&mut self, offset: u64) -> Result<(), Self::Error> {
        self.next = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.data.len());
        Ok(())
    }
}
