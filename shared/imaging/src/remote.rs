//! Files of object stores, read from threads that may wait.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc},
};

use bytes::Bytes;
use domain::Uri;
use futures::{StreamExt, stream};
use storage::{Attributes, Cached, ReadOptions, Storage};
use tokio::runtime::Handle;

use crate::{
    abandon,
    outage::{self, Outages},
};

static STORE: RwLock<Option<Store>> = RwLock::new(None);

/// Files whose beginnings are asked for at the same time.
const BEGINNINGS: usize = 32;

/// First bytes that are read of a file to come: the header of most.
const BEGINNING: u64 = 16 << 10;

#[derive(Clone, Debug)]
struct Store {
    cached: Cached,
    runtime: Handle,
}

/// Names the store of what is not local: for windows of pixels and for GDAL, which share its blocks.
///
/// Requests run on `runtime`, which has more than one thread of its own: whoever reads an image waits for them.
pub fn set_remote_store(cached: Cached, runtime: Handle) {
    let mut store = STORE.write().unwrap_or_else(PoisonError::into_inner);
    *store = Some(Store { cached, runtime });
}

impl Store {
    fn current() -> Option<Self> {
        let store = STORE.read().unwrap_or_else(PoisonError::into_inner);
        store.clone()
    }

    async fn begin(&self, uris: Vec<Uri>, outages: &Outages) {
        let beginning = 0..BEGINNING;
        let one = async |uri: Uri| {
            let begun = async {
                let file = self.cached.known(&uri).await?;
                let beginning = std::slice::from_ref(&beginning);
                self.cached.prefetch(&uri, &file, beginning).await
            };
            _ = outages.unless_out(&uri, begun).await;
        };
        stream::iter(uris)
            .map(one)
            .buffer_unordered(BEGINNINGS)
            .collect::<()>()
            .await;
    }

    /// Waits for a request, unless the bucket is known to give no answer.
    fn ask<T: Send + 'static>(
        &self,
        uri: &Uri,
        request: impl Future<Output = storage::Result<T>> + Send + 'static,
    ) -> storage::Result<T> {
        let (outages, asked) = (outage::shared(), uri.clone());
        self.wait(
            uri,
            async move { outages.unless_out(&asked, request).await },
        )
    }

    /// Waits for a request, whatever thread this is, as long as somebody waits for the work of the thread. A runtime
    /// that stops answers nothing any more.
    fn wait<T: Send + 'static>(
        &self,
        uri: &Uri,
        request: impl Future<Output = storage::Result<T>> + Send + 'static,
    ) -> storage::Result<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let (abandoned, asked) = (abandon::token(), uri.clone());
        self.runtime.spawn(async move {
            let found = match abandoned {
                Some(abandoned) => abandoned.run_until_cancelled(request).await,
                None => Some(request.await),
            };
            let found = found.unwrap_or_else(|| {
                Err(storage::Error::Unavailable {
                    uri: asked,
                    source: "nobody waits for it any more".into(),
                })
            });
            // nobody listens any more after a panic there
            let _ = answer.send(found);
        });
        // a worker of the runtime lets another one take its place
        let received = tokio::task::block_in_place(|| answered.recv());
        received.unwrap_or_else(|_| {
            Err(storage::Error::Unavailable {
                uri: uri.clone(),
                source: "the service stops".into(),
            })
        })
    }
}

/// Makes the beginnings of some files known at the same time, so that opening them waits for nothing; as far as there
/// is a store for them. What fails is asked for again by whoever opens it.
///
/// The only function of this crate that waits without blocking: for those who hold no thread yet.
pub async fn begin(uris: Vec<Uri>) {
    if let Some(store) = Store::current() {
        store.begin(uris, &Outages::default()).await;
    }
}

/// As [`begin`], on a thread that may block.
pub(crate) fn begin_blocking(uris: Vec<Uri>) {
    let (Some(store), Some(first)) = (Store::current(), uris.first().cloned()) else {
        return;
    };
    let begun = {
        let (store, outages) = (store.clone(), outage::shared());
        async move {
            store.begin(uris, &outages).await;
            Ok(())
        }
    };
    // the runtime stops: whoever opens a file is told so
    _ = store.wait(&first, begun);
}

/// Files whose beginnings fit in the memory for blocks together.
pub(crate) fn most_beginnings() -> usize {
    Store::current().map_or(usize::MAX, |store| store.cached.most_blocks().max(1))
}

/// Whether all of a file is known to come with its beginning.
pub(crate) fn is_one_block(uri: &Uri) -> bool {
    Store::current().is_some_and(|store| {
        let known = store.cached.remembered(uri);
        known.is_some_and(|file| file.size <= store.cached.block_bytes())
    })
}

/// Bytes that are fetched together at most.
pub(crate) fn most_bytes() -> u64 {
    Store::current().map_or(0, |store| store.cached.most_bytes())
}

/// Fetches ranges of several files at the same time, for those who read them soon. As in [`begin`], failures wait for
/// them.
pub(crate) fn fetch(wanted: Vec<(RemoteFile, Vec<Range<u64>>)>) {
    let Some((first, _)) = wanted.first() else {
        return;
    };
    let (store, uri) = (first.store.clone(), first.uri.clone());
    let outages = outage::shared();
    let fetched = async move {
        let one = |(file, ranges): (RemoteFile, Vec<Range<u64>>)| {
            let outages = outages.clone();
            async move {
                let (cached, uri) = (&file.store.cached, &file.uri);
                let fetched = cached.prefetch(uri, &file.attributes, &ranges);
                _ = outages.unless_out(uri, fetched).await;
            }
        };
        stream::iter(wanted)
            .map(one)
            .buffer_unordered(BEGINNINGS)
            .collect::<()>()
            .await;
        Ok(())
    };
    _ = store.wait(&uri, fetched);
}

/// A version of a file of an object store.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFile {
    store: Store,
    uri: Uri,
    attributes: Arc<Attributes>,
    /// What the store said last, for those who are only told that something failed.
    failure: Arc<Mutex<Option<storage::Error>>>,
}

impl RemoteFile {
    /// Asks for size and version, unless they are known. `None` where no store was named.
    pub(crate) fn open(uri: &Uri) -> Option<storage::Result<Self>> {
        let store = Store::current()?;
        let known = match store.cached.remembered(uri) {
            Some(known) => Ok(known),
            None => store.ask(uri, {
                let (cached, uri) = (store.cached.clone(), uri.clone());
                async move { cached.known(&uri).await }
            }),
        };
        Some(known.map(|attributes| Self {
            store,
            uri: uri.clone(),
            attributes,
            failure: Arc::default(),
        }))
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn version(&self) -> &str {
        &self.attributes.version
    }

    pub(crate) fn size(&self) -> u64 {
        self.attributes.size
    }

    /// A range, cut at the end of the file.
    pub(crate) fn read(&self, range: Range<u64>) -> storage::Result<Bytes> {
        let cached = &self.store.cached;
        if let Some(held) = cached.held(&self.uri, &range, &self.attributes) {
            return Ok(held);
        }
        let options = ReadOptions {
            range: Some(range),
            version: Some(self.attributes.version.clone()),
        };
        let (cached, uri) = (cached.clone(), self.uri.clone());
        let read = async move { cached.read_with(&uri, &options).await };
        self.store.ask(&self.uri, read)
    }

    /// Several ranges at the same time.
    pub(crate) fn read_ranges(&self, ranges: &[Range<u64>]) -> storage::Result<Vec<Bytes>> {
        let cached = &self.store.cached;
        let held = |range| cached.held(&self.uri, range, &self.attributes);
        if let Some(held) = ranges.iter().map(held).collect() {
            return Ok(held);
        }
        let (cached, uri, ranges) = (cached.clone(), self.uri.clone(), ranges.to_vec());
        let version = self.attributes.version.clone();
        let read = async move { cached.read_ranges(&uri, &ranges, Some(&version)).await };
        self.store.ask(&self.uri, read)
    }

    /// Fetches what is missing of some ranges, all at the same time.
    pub(crate) fn fetch(&self, ranges: &[Range<u64>]) -> storage::Result<()> {
        let cached = &self.store.cached;
        if cached.has(&self.uri, &self.attributes, ranges) {
            return Ok(());
        }
        let (cached, uri, ranges) = (cached.clone(), self.uri.clone(), ranges.to_vec());
        let attributes = Arc::clone(&self.attributes);
        let fetched = async move { cached.prefetch(&uri, &attributes, &ranges).await };
        self.store.ask(&self.uri, fetched)
    }

    pub(crate) fn failure(&self) -> &Mutex<Option<storage::Error>> {
        &self.failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use storage::{CacheOptions, MemoryStorage};
    use tokio_util::sync::CancellationToken;

    fn store(runtime: &tokio::runtime::Runtime) -> Store {
        let options = CacheOptions {
            block: 1 << 20,
            capacity: 16 << 20,
            fresh: Duration::from_mins(1),
        };
        Store {
            cached: Cached::new(Arc::new(MemoryStorage::new()), options),
            runtime: runtime.handle().clone(),
        }
    }

    #[test]
    fn a_runtime_that_is_gone_is_an_error_and_no_panic() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = store(&runtime);
        let uri = Uri::parse("gs://b/a").unwrap();
        assert_eq!(store.wait(&uri, async { Ok(1) }).unwrap(), 1);
        let waiting = {
            let (store, uri) = (store.clone(), uri.clone());
            std::thread::spawn(move || {
                let never = std::future::pending::<storage::Result<()>>();
                store.wait(&uri, never)
            })
        };
        std::thread::sleep(Duration::from_millis(50));
        runtime.shutdown_background();
        for stopped in [waiting.join().unwrap(), store.wait(&uri, async { Ok(()) })] {
            assert!(stopped.unwrap_err().is_retryable());
        }
    }

    #[test]
    fn a_request_ends_when_nobody_waits_for_the_work_any_more() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = store(&runtime);
        let uri = Uri::parse("gs://b/a").unwrap();
        let abandoned = CancellationToken::new();
        // dropped with the request
        let (held, ended) = mpsc::channel::<()>();
        let waiting = {
            let (store, uri, abandoned) = (store.clone(), uri.clone(), abandoned.clone());
            std::thread::spawn(move || {
                let never = async move {
                    let _held = held;
                    std::future::pending::<storage::Result<()>>().await
                };
                abandon::abandonable(&abandoned, || store.wait(&uri, never))
            })
        };
        let still = ended.recv_timeout(Duration::from_millis(50));
        assert_eq!(still, Err(mpsc::RecvTimeoutError::Timeout));
        abandoned.cancel();
        let given_up = waiting.join().unwrap().unwrap_err();
        assert!(given_up.is_retryable(), "{given_up}");
        assert_eq!(ended.recv(), Err(mpsc::RecvError));
        assert_eq!(store.wait(&uri, async { Ok(1) }).unwrap(), 1);
    }

    #[test]
    fn a_worker_of_the_runtime_may_wait_too() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        let store = store(&runtime);
        let uri = Uri::parse("gs://b/a").unwrap();
        let waited = runtime.block_on(async {
            tokio::spawn(async move { store.wait(&uri, async { Ok(7) }) }).await
        });
        assert_eq!(waited.unwrap().unwrap(), 7);
    }
}
