//! Files of object stores, read from threads that may wait.

use std::{
    io,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use domain::Uri;
use storage::{Attributes, Cached, ReadOptions, Storage};
use tokio::runtime::Handle;

static STORE: RwLock<Option<Store>> = RwLock::new(None);

#[derive(Clone, Debug)]
struct Store {
    cached: Cached,
    runtime: Handle,
}

/// Names the store of what is not local: for windows of pixels and for GDAL, which share its blocks.
///
/// Requests run on `runtime`; no image may be read on one of its own worker threads.
pub fn read_remote_files(cached: Cached, runtime: Handle) {
    let mut store = STORE.write().unwrap_or_else(PoisonError::into_inner);
    *store = Some(Store { cached, runtime });
}

/// A version of a file of an object store.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFile {
    store: Store,
    uri: Uri,
    attributes: Arc<Attributes>,
}

impl RemoteFile {
    /// Asks for size and version, unless they are known. `None` where no store was named.
    pub(crate) fn open(uri: &Uri) -> Option<storage::Result<Self>> {
        let store = STORE
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let attributes = store.runtime.block_on(store.cached.known(uri));
        Some(attributes.map(|attributes| Self {
            store,
            uri: uri.clone(),
            attributes,
        }))
    }

    pub(crate) fn version(&self) -> &str {
        &self.attributes.version
    }

    pub(crate) fn size(&self) -> u64 {
        self.attributes.size
    }

    /// A range, cut at the end of the file.
    pub(crate) fn read(&self, range: Range<u64>) -> storage::Result<Bytes> {
        let options = ReadOptions {
            range: Some(range),
            version: Some(self.attributes.version.clone()),
        };
        let read = self.store.cached.read_with(&self.uri, &options);
        self.store.runtime.block_on(read)
    }

    /// Several ranges at the same time.
    pub(crate) fn read_ranges(&self, ranges: &[Range<u64>]) -> storage::Result<Vec<Bytes>> {
        let version = Some(self.attributes.version.as_str());
        let read = self.store.cached.read_ranges(&self.uri, ranges, version);
        self.store.runtime.block_on(read)
    }
}

impl cog::ReadAt for RemoteFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(buf.len() as u64);
        let data = self.read(offset..end).map_err(io::Error::other)?;
        if data.len() != buf.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf.copy_from_slice(&data);
        Ok(())
    }

    fn len(&self) -> u64 {
        self.size()
    }
}
