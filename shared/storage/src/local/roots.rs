use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use domain::Uri;

use crate::{Error, Result};

/// Which part of the local file system may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedRoots {
    /// All of it: for a server on the machine of its only user.
    All,
    /// What really lies below one of these folders. A root that does not exist allows nothing.
    Below(Vec<PathBuf>),
}

impl AllowedRoots {
    /// The path to open for a URI, symbolic links followed as far as it exists.
    ///
    /// Whether a file exists outside the roots is not told: everything there is denied alike.
    pub(super) fn resolve(&self, uri: &Uri) -> Result<PathBuf> {
        let Some(path) = uri.local_path() else {
            return Err(Error::Unsupported {
                uri: uri.clone(),
                scheme: uri.scheme(),
            });
        };
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
            Ok(_) | Err(_) => Err(denied(uri)),
        }
    }
}

fn contains(root: &Path, real: &Path) -> bool {
    root.canonicalize().is_ok_and(|root| real.starts_with(root))
}

/// The deepest existing ancestor without links, and behind it the names that do not exist yet.
fn real_path(path: &Path) -> std::io::Result<PathBuf> {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        match ancestor.canonicalize() {
            Ok(real) => {
                return Ok(missing
                    .iter()
                    .rev()
                    .fold(real, |real, name| real.join(name)));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                missing.extend(ancestor.file_name());
            }
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::NotFound.into())
}

fn denied(uri: &Uri) -> Error {
    Error::PermissionDenied {
        uri: uri.clone(),
        reason: "it does not lie below one of the folders of the flag allowedPaths".into(),
    }
}
