//! Local copies of remote files, made before they are read.

use domain::{DatasetSource, Result, Scheme, Uri};
use futures::future::join_all;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Storage, StorageExt};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Files of one cube that are fetched at the same time.
const AT_ONCE: usize = 4;
/// Folder of all copies below the working folder.
const FOLDER: &str = "geocube_downloader";
/// Bytes of one permit of the space for copies.
const PERMIT_BYTES: u64 = 1 << 20;

/// Where copies go, and how much room there is for those of all cubes.
#[derive(Clone, Debug)]
pub(super) struct CopySpace {
    storage: Arc<dyn Storage>,
    workdir: Uri,
    room: Arc<Semaphore>,
}

/// The copies of one cube: each file is fetched once, when the first slice needs it, and removed after the last one.
/// What is left is removed with this.
#[derive(Debug)]
pub(super) struct Copies {
    space: CopySpace,
    files: HashMap<Uri, Copy>,
    turns: Semaphore,
    _folder: Folder,
}

/// A file, and its copy once it was fetched; `None` where it is read in place.
#[derive(Debug)]
struct Copy {
    to: Uri,
    fetched: OnceCell<bool>,
    room: Mutex<Option<OwnedSemaphorePermit>>,
    /// Slices that still need it.
    users: AtomicUsize,
}

#[derive(Debug)]
struct Folder(Option<PathBuf>);

/// The sources of a slice, those that were copied in their local form; the copies stay as long as this.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) sources: Vec<DatasetSource>,
    copies: Arc<Copies>,
    uris: BTreeSet<Uri>,
}

impl CopySpace {
    /// Room for `bytes` of copies below a local folder.
    pub(super) fn new(storage: Arc<dyn Storage>, workdir: Uri, bytes: u64) -> Self {
        let permits = usize::try_from(bytes / PERMIT_BYTES).unwrap_or(usize::MAX);
        Self {
            storage,
            workdir,
            room: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// The copies of the remote files among the sources of some slices; nothing is fetched yet.
    pub(super) fn copies<'a>(
        &self,
        slices: impl Iterator<Item = &'a [DatasetSource]>,
    ) -> Result<Copies> {
        let folder = self
            .workdir
            .join([FOLDER, &Uuid::new_v4().simple().to_string()])?;
        let mut files: HashMap<Uri, Copy> = HashMap::new();
        for sources in slices {
            for uri in remote(sources) {
                let number = files.len().to_string();
                match files.get(&uri) {
                    Some(copy) => _ = copy.users.fetch_add(1, Ordering::Relaxed),
                    None => _ = files.insert(uri, Copy::to(folder.join([number])?)),
                }
            }
        }
        Ok(Copies {
            space: self.clone(),
            files,
            turns: Semaphore::new(AT_ONCE),
            _folder: Folder(folder.local_path().map(PathBuf::from)),
        })
    }
}

/// The files that are not local, each once.
fn remote(sources: &[DatasetSource]) -> BTreeSet<Uri> {
    let uris = sources.iter().map(|source| &source.uri);
    uris.filter(|uri| uri.scheme() != Scheme::File)
        .cloned()
        .collect()
}

impl Copies {
    /// Fetches what the sources of a slice need and is not there yet. A file that cannot be copied, or has no room, is
    /// read in place.
    pub(super) async fn fetch(self: &Arc<Self>, sources: &[DatasetSource]) -> Local {
        let mut local = Local {
            sources: sources.to_vec(),
            copies: Arc::clone(self),
            uris: remote(sources),
        };
        let fetched = local.uris.iter().map(async |uri| {
            let copy = self.files.get(uri)?;
            let fetched = copy.fetched.get_or_init(|| self.copy(uri, copy)).await;
            fetched.then(|| (uri.clone(), copy.to.clone()))
        });
        let copied: HashMap<Uri, Uri> = join_all(fetched).await.into_iter().flatten().collect();
        for source in &mut local.sources {
            if let Some(to) = copied.get(&source.uri) {
                source.uri = to.clone();
            }
        }
        local
    }

    /// Fetches a file; whether its copy is there.
    async fn copy(&self, uri: &Uri, copy: &Copy) -> bool {
        let Ok(_turn) = self.turns.acquire().await else {
            return false;
        };
        let Some(path) = copy.to.local_path() else {
            return false;
        };
        let size = match self.space.storage.head(uri).await {
            Ok(attributes) => attributes.size,
            Err(error) => {
                tracing::warn!(%uri, error = &error as &dyn std::error::Error, "read in place");
                return false;
            }
        };
        let Some(room) = self.space.take(size) else {
            tracing::warn!(%uri, size, "read in place: there is no room for a copy");
            return false;
        };
        match self.space.storage.download_to_file(uri, path).await {
            Ok(_) => {
                *copy.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
                true
            }
            Err(error) => {
                tracing::warn!(%uri, error = &error as &dyn std::error::Error, "read in place");
                false
            }
        }
    }
}

impl CopySpace {
    fn take(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).ok()?;
        Arc::clone(&self.room).try_acquire_many_owned(permits).ok()
    }
}

impl Copy {
    fn to(to: Uri) -> Self {
        Self {
            to,
            fetched: OnceCell::new(),
            room: Mutex::new(None),
            users: AtomicUsize::new(1),
        }
    }

    /// Removes the file with its last user.
    fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let room = self
            .room
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (Some(room), Some(path)) = (room, self.to.local_path()) {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "a copy cannot be removed");
            }
            drop(room);
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        for uri in &self.uris {
            if let Some(copy) = self.copies.files.get(uri) {
                copy.leave();
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(path) = self.0.take().filter(|path| path.exists()) else {
            return;
        };
        if let Err(error) = std::fs::remove_dir_all(&path) {
            tracing::warn!(path = %path.display(), %error, "a folder of copies cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests;
