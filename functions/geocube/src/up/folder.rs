//! The folder that holds everything of one system.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Where things are below the folder of `--data`.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Creates what is missing and takes the folder for this process.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        let here = || path.display().to_string();
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", here()))?;
        let root = fs::canonicalize(path).with_context(|| format!("cannot reach {}", here()))?;
        let lock = File::options()
            .create(true)
            .append(true)
            .open(root.join("up.lock"))
            .with_context(|| format!("cannot write in {}", here()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another `geocube up` is running on {}: stop it, or choose another folder with --data",
                root.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", here()));
            }
        }
        let folder = Self { root, _lock: lock };
        for needed in [
            folder.data(),
            folder.cancelled(),
            folder.work(),
            folder.logs(),
            folder.run(),
        ] {
            fs::create_dir_all(&needed)
                .with_context(|| format!("cannot create {}", needed.display()))?;
        }
        Ok(folder)
    }

    /// The managed images.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The markers of cancelled jobs.
    pub fn cancelled(&self) -> PathBuf {
        self.root.join("cancelled")
    }

    /// Scratch space of the consolidater.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The private database.
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The log of a service.
    pub fn log(&self, service: &str) -> PathBuf {
        self.logs().join(format!("{service}.log"))
    }

    /// The note about the process of a service.
    pub fn pid_file(&self, service: &str) -> PathBuf {
        self.run().join(format!("{service}.pid"))
    }

    fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    fn run(&self) -> PathBuf {
        self.root.join("run")
    }
}

/// A port of loopback that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether a server could listen on a port of loopback.
pub fn port_is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b");
        let first = Folder::take(&path).unwrap();
        assert!(first.data().is_dir());
        let refused = Folder::take(&path).unwrap_err().to_string();
        assert!(
            refused.contains("another `geocube up` is running"),
            "{refused}"
        );
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let error = format!("{:#}", Folder::take(scratch.path()).unwrap_err());
        assert!(error.contains(scratch.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!port_is_free(port));
        assert_ne!(free_port().unwrap(), port);
    }
}
