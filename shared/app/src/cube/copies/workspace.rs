//! The folder of one process for its copies.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Name of the common folder, before that of its user.
const FOLDER: &str = "geocube_downloader";
/// Held while folders are made or swept.
const DOOR: &str = "door";
/// Held as long as its folder is used.
const LOCK: &str = "lock";
const OWNER_ONLY: u32 = 0o700;

/// A folder that nobody else reads, whose lock ends with the process whatever ends it.
#[derive(Debug)]
pub(super) struct Workspace {
    path: PathBuf,
    _lock: File,
}

impl Workspace {
    /// Makes the folder of this process below a common one of its user, where those of ended processes are removed.
    ///
    /// # Errors
    /// What the system says; when the common folder is another user's.
    pub(super) fn open(workdir: &Path) -> io::Result<Self> {
        let user = user()?;
        let common = &folder_of(workdir, user);
        fs::create_dir_all(workdir)?;
        private_folder(common, user)?;
        let door = File::create(common.join(DOOR))?;
        door.lock()?;
        sweep(common)?;
        let path = common.join(Uuid::new_v4().simple().to_string());
        DirBuilder::new().mode(OWNER_ONLY).create(&path)?;
        let lock = File::create(path.join(LOCK))?;
        lock.lock()?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the folder of copies cannot be removed");
        }
    }
}

/// The folder below `workdir` that has all the copies of this user.
///
/// # Errors
/// What the system says when it is asked who that is.
pub fn copies_folder(workdir: &Path) -> io::Result<PathBuf> {
    Ok(folder_of(workdir, user()?))
}

fn folder_of(workdir: &Path, user: u32) -> PathBuf {
    workdir.join(format!("{FOLDER}-{user}"))
}

/// The folder of the process belongs to its user.
fn user() -> io::Result<u32> {
    Ok(fs::metadata("/proc/self")?.uid())
}

/// A folder of this user that only this user reads, made where it is missing.
fn private_folder(path: &Path, user: u32) -> io::Result<()> {
    match DirBuilder::new().mode(OWNER_ONLY).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || found.uid() != user {
        let text = format!("{} is no folder of this user", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))
}

/// Removes the folders whose process is gone. One that cannot be removed, or that its process removes just now, is left.
fn sweep(common: &Path) -> io::Result<()> {
    for entry in fs::read_dir(common)? {
        let path = entry?.path();
        match remove_unused(&path) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(path = %path.display(), "copies of a process that ended are removed");
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "copies of another process stay");
            }
        }
    }
    Ok(())
}

/// Removes a folder unless a process uses it; whether it did.
fn remove_unused(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return Ok(false);
    }
    let in_use = match File::open(path.join(LOCK)) {
        Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if !in_use {
        fs::remove_dir_all(path)?;
    }
    Ok(!in_use)
}

#[cfg(test)]
mod tests {
    use super::{Workspace, fs};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_ended_processes_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let first = Workspace::open(folder.path()).unwrap();
        let common = first.path().parent().unwrap();
        fs::write(first.path().join("a"), "copy").unwrap();
        // of a process that was killed, before and after it had a lock
        for (name, lock) in [("one", true), ("two", false)] {
            fs::create_dir(common.join(name)).unwrap();
            fs::write(common.join(name).join("copy"), "left").unwrap();
            if lock {
                fs::write(common.join(name).join("lock"), "").unwrap();
            }
        }
        let second = Workspace::open(folder.path()).unwrap();
        assert!(first.path().join("a").exists());
        assert!(!common.join("one").exists() && !common.join("two").exists());
        for path in [common, second.path()] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{path:?}");
        }
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn a_link_is_no_folder_for_copies() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let link = workspace.path().parent().unwrap().to_owned();
        drop(workspace);
        fs::remove_dir_all(&link).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let error = Workspace::open(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("no folder of this user"),
            "{error}"
        );
        assert!(fs::read_dir(&elsewhere).unwrap().next().is_none());
    }
}
