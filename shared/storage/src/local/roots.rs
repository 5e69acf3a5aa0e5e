use std::{
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use domain::Uri;

use super::folder::Entry;
use crate::{Error, Result};

/// Which part of the local file system may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedRoots {
    /// All of it: for a server on the machine of its only user.
    All,
    /// What really lies below one of these folders. A root that does not exist allows nothing.
    Below(Vec<PathBuf>),
}

/// Which part of the local file system may be read, and which may be changed: neither includes the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRoots {
    /// Where files are read.
    pub readable: AllowedRoots,
    /// Where files are written, moved and deleted.
    pub writable: AllowedRoots,
}

impl LocalRoots {
    /// Files that are read and never changed.
    pub fn reading(readable: AllowedRoots) -> Self {
        let writable = AllowedRoots::Below(Vec::new());
        Self { readable, writable }
    }

    /// The file to read, links followed wherever they stay below the readable roots.
    pub(super) fn source(&self, uri: &Uri) -> Result<Entry> {
        const WHERE: &str = "below one of the folders of the flag allowedPaths";
        let real = self.readable.resolve(uri, local_path(uri)?, WHERE)?;
        entry(uri, &real)
    }

    /// The name to write, move or delete in a folder that lies below the writable roots. A link of that name is
    /// changed itself, never what it leads to.
    pub(super) fn target(&self, uri: &Uri) -> Result<Entry> {
        const WHERE: &str = "below one of the folders that may be changed (flags ingestionStorage and managedPaths)";
        let path = local_path(uri)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::invalid(uri, "is a folder, expected a file"));
        };
        let real = self.writable.resolve(uri, folder, WHERE)?;
        Ok(Entry::new(real, name.to_owned()))
    }
}

/// The same for reading and changing.
impl From<AllowedRoots> for LocalRoots {
    fn from(roots: AllowedRoots) -> Self {
        Self {
            readable: roots.clone(),
            writable: roots,
        }
    }
}

impl AllowedRoots {
    /// The real path, symbolic links followed as far as it exists.
    ///
    /// Whether a file exists outside the roots is not told: everything there is denied alike.
    fn resolve(&self, uri: &Uri, path: &Path, place: &str) -> Result<PathBuf> {
        let roots = match self {
            Self::All => {
                return real_path(path).map_err(|source| Error::from_io(uri, "open", source));
            }
            Self::Below(roots) => roots,
        };
        match real_path(path) {
            Ok(real) if roots.iter().any(|root| contains(root, &real)) => Ok(real),
            // a loop of links or a protected folder; outside the roots this is nobody's business
            Err(source) if roots.iter().any(|root| path.starts_with(root)) => {
                Err(Error::from_io(uri, "open", source))
            }
            Ok(_) | Err(_) => Err(Error::PermissionDenied {
                uri: uri.clone(),
                reason: format!("it does not lie {place}"),
            }),
        }
    }

    /// Whether a path really lies below one of the roots, as far as these exist: nothing else is ever read. What is not
    /// there, such as the files of a catalogue that is looked at elsewhere, is judged by its name.
    pub fn contain(&self, path: &Path) -> bool {
        match self {
            Self::All => true,
            Self::Below(roots) => {
                let inside = |root: &PathBuf, real: &Path| {
                    real_path(root).is_ok_and(|root| real.starts_with(root))
                };
                real_path(path).is_ok_and(|real| roots.iter().any(|root| inside(root, &real)))
            }
        }
    }
}

fn local_path(uri: &Uri) -> Result<&Path> {
    uri.local_path().ok_or_else(|| Error::Unsupported {
        uri: uri.clone(),
        scheme: uri.scheme(),
    })
}

fn entry(uri: &Uri, real: &Path) -> Result<Entry> {
    match (real.parent(), real.file_name()) {
        (Some(folder), Some(name)) => Ok(Entry::new(folder.to_owned(), name.to_owned())),
        _ => Err(Error::invalid(uri, "is a folder, expected a file")),
    }
}

fn contains(root: &Path, real: &Path) -> bool {
    root.canonicalize().is_ok_and(|root| real.starts_with(root))
}

/// The deepest existing ancestor without links, and behind it the names that do not exist yet.
fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    let mut missing: Vec<OsString> = Vec::new();
    for ancestor in path.ancestors() {
        match ancestor.canonicalize() {
            Ok(real) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(real, |real, name| real.join(name)));
            }
            // a name that is too long for a file is not there either
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
                ) =>
            {
                missing.extend(ancestor.file_name().map(ToOwned::to_owned));
            }
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}
