//! Local copies of remote files, made before they are read.

mod room;
mod workspace;

use crate::{Error, Result};
use domain::{DatasetSource, Uri};
use futures::TryStreamExt;
use futures::future::join_all;
use imaging::Outages;
use room::{Room, Taken};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage::Storage;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OnceCell, Semaphore};
use uuid::Uuid;
use workspace::Workspace;
pub use workspace::copies_folder;

/// Files of one cube that are fetched at the same time.
const AT_ONCE: usize = 4;

/// Where copies go, and how much room there is for those of all cubes.
#[derive(Clone, Debug)]
pub(super) struct CopySpace {
    storage: Arc<dyn Storage>,
    workspace: Arc<Workspace>,
    room: Room,
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

/// A file, and whether its copy was fetched; without one it is read in place.
#[derive(Debug)]
struct Copy {
    to: Uri,
    fetched: OnceCell<bool>,
    room: Mutex<Option<Taken>>,
    /// Slices that still need it.
    users: AtomicUsize,
}

#[derive(Debug)]
struct Folder(PathBuf);

/// The sources of a slice, those that were copied in their local form; the copies stay as long as this.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) sources: Vec<DatasetSource>,
    copies: Arc<Copies>,
    uris: BTreeSet<Uri>,
}

impl CopySpace {
    /// Room for `bytes` of copies below a local folder, out of which those of killed processes are removed.
    pub(super) fn open(storage: Arc<dyn Storage>, workdir: &Path, bytes: u64) -> Result<Self> {
        let workspace = Workspace::open(workdir)
            .map_err(|error| Error::internal("making the folder of copies", error))?;
        Ok(Self {
            storage,
            workspace: Arc::new(workspace),
            room: Room::new(bytes),
        })
    }

    /// The copies of the remote files among the sources of some slices; nothing is fetched yet.
    pub(super) fn copies<'a>(
        &self,
        slices: impl Iterator<Item = &'a [DatasetSource]>,
    ) -> Result<Copies> {
        let name = Uuid::new_v4().simple().to_string();
        let path = self.workspace.path().join(name);
        let folder = Uri::parse(path.to_string_lossy())?;
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
            _folder: Folder(path),
        })
    }
}

/// The files that are not local, each once.
fn remote(sources: &[DatasetSource]) -> BTreeSet<Uri> {
    let uris = sources.iter().map(|source| &source.uri);
    uris.filter(|uri| uri.is_remote()).cloned().collect()
}

impl Copies {
    /// Fetches what the sources of a slice need and is not there yet. A file that cannot be copied, or has no room, is
    /// read in place.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        sources: &[DatasetSource],
        outages: &Outages,
    ) -> Local {
        let mut local = Local {
            sources: sources.to_vec(),
            copies: Arc::clone(self),
            uris: remote(sources),
        };
        let fetched = local.uris.iter().map(async |uri| {
            let copy = self.files.get(uri)?;
            let fetched = copy
                .fetched
                .get_or_init(|| self.copy(uri, copy, outages))
                .await;
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
    async fn copy(&self, uri: &Uri, copy: &Copy, outages: &Outages) -> bool {
        let Ok(_turn) = self.turns.acquire().await else {
            return false;
        };
        let Some(path) = copy.to.local_path() else {
            return false;
        };
        match self.space.fetch(uri, path, outages).await {
            Ok(room) => {
                *copy.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
                true
            }
            Err(error) => {
                // what came of it is removed with the folder, if not now
                _ = tokio::fs::remove_file(path).await;
                let error: &(dyn std::error::Error + 'static) = &*error;
                tracing::warn!(%uri, error, "read in place");
                false
            }
        }
    }
}

/// Why there is no copy.
type NoCopy = Box<dyn std::error::Error + Send + Sync>;

impl CopySpace {
    /// Copies a file, within the room that is left when its bytes come.
    async fn fetch(&self, uri: &Uri, path: &Path, outages: &Outages) -> Result<Taken, NoCopy> {
        let full = |bytes| format!("there is no room for {bytes} bytes more of copies");
        let found = outages.unless_out(uri, self.storage.head(uri));
        let size = found.await?.size;
        if size > self.room.left() {
            return Err(full(size).into());
        }
        let mut room = self.room.enter();
        let mut content = self.storage.read_stream(uri).await?;
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let mut file = tokio::fs::File::create_new(path).await?;
        while let Some(piece) = content.try_next().await? {
            if !room.grow(piece.len() as u64) {
                return Err(full(piece.len() as u64).into());
            }
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(room)
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
        let path = std::mem::take(&mut self.0);
        let remove = move || match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "a folder of copies cannot be removed");
            }
            Ok(()) | Err(_) => {}
        };
        match tokio::runtime::Handle::try_current() {
            // others wait for this thread
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

#[cfg(test)]
mod tests;
