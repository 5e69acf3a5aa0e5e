//! Which files a caller may name.

use domain::{Error, Result, Scheme, Uri};
use runtime::config::ReadableFiles;
use std::path::PathBuf;
use storage::{AllowedRoots, LocalRoots};

/// Roots and prefixes that callers may use.
#[derive(Clone, Debug, Default)]
pub struct PathPolicy {
    /// Every local file may be read.
    pub all_local: bool,
    /// Local folders below which files may be read.
    pub allowed: Vec<PathBuf>,
    /// Places below which containers may be managed: deleted with their last dataset.
    pub managed: Vec<Uri>,
    /// Sub-dataset prefixes allowed besides `GTIFF_DIR:<n>`.
    pub subdirs: Vec<String>,
}

impl PathPolicy {
    /// Reads of the files that the flags of a program open, and of every object store.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a root that is no path.
    pub fn reading(files: ReadableFiles) -> Result<Self> {
        let mut policy = Self::default();
        match files {
            ReadableFiles::All => policy.all_local = true,
            ReadableFiles::Below(roots) => {
                for root in roots {
                    // object stores need no leave
                    let local = Uri::parse(root)?.local_path().map(PathBuf::from);
                    policy.allowed.extend(local);
                }
            }
        }
        Ok(policy)
    }

    /// Allows sub-dataset prefixes besides `GTIFF_DIR:<n>`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a prefix that no format which is read has: it could never open anything.
    pub fn with_subdirs(mut self, prefixes: &[String]) -> Result<Self> {
        for prefix in prefixes {
            if !is_readable(prefix) {
                return Err(Error::invalid(format!(
                    "{prefix:.64?} is no prefix of a format that is read, expected GTIFF_RAW or GTIFF_DIR:off:<offset>"
                )));
            }
        }
        self.subdirs = prefixes.to_vec();
        Ok(self)
    }

    /// Refuses a local file outside the allowed roots, and what is neither a file nor an object.
    ///
    /// Symbolic links are resolved as far as the path exists, so that a link cannot lead out of a root, nor tell what is
    /// there. Blocks.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the URI and the flag, [`Error::Precondition`] for an address that is not served.
    pub fn check(&self, uri: &Uri) -> Result<()> {
        uri.check_served()?;
        let Some(path) = uri.local_path() else {
            return Ok(());
        };
        if self.image_roots(None).contain(path) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Invalid Container.uri: {uri} is not below a folder that may be read (flag allowedPaths)"
        )))
    }

    /// Refuses a sub-dataset prefix that could lead to other files.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the prefix and the flag.
    pub fn check_subdir(&self, subdir: &str) -> Result<()> {
        let directory = subdir.strip_prefix("GTIFF_DIR:").is_some_and(|number| {
            number.len() <= 6
                && number.bytes().all(|digit| digit.is_ascii_digit())
                && number.parse().is_ok_and(|number: u32| number > 0)
        });
        if subdir.is_empty() || directory || self.subdirs.iter().any(|allowed| allowed == subdir) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Invalid Dataset.container_subdir: {subdir:.64?}, expected nothing or GTIFF_DIR:<n> (flag allowedSubdirs)"
        )))
    }

    /// Whether the service may own, and later delete, a file.
    pub fn may_manage(&self, uri: &Uri) -> bool {
        self.managed.iter().any(|root| uri.is_below(root))
    }

    /// Which local files are opened as images: those that callers may name, and those below a folder of `own` copies.
    pub fn image_roots(&self, own: Option<PathBuf>) -> AllowedRoots {
        if self.all_local {
            return AllowedRoots::All;
        }
        AllowedRoots::Below(self.allowed.iter().cloned().chain(own).collect())
    }

    /// Which local files are read, and which are changed: those that are managed, and those below `written`.
    pub fn local_roots(&self, written: Option<&Uri>) -> LocalRoots {
        let readable = if self.all_local {
            AllowedRoots::All
        } else {
            let managed = local_folders(self.managed.iter());
            AllowedRoots::Below(self.allowed.iter().cloned().chain(managed).collect())
        };
        let writable = local_folders(self.managed.iter().chain(written));
        LocalRoots {
            readable,
            writable: AllowedRoots::Below(writable.collect()),
        }
    }
}

/// Those of some places that are folders of this machine.
fn local_folders<'a>(places: impl Iterator<Item = &'a Uri>) -> impl Iterator<Item = PathBuf> {
    let local = places.filter(|place| place.scheme() == Scheme::File);
    local.filter_map(Uri::local_path).map(PathBuf::from)
}

/// Whether a prefix leads to another view of a TIFF file; JPEG 2000, PNG and JPEG have none.
fn is_readable(prefix: &str) -> bool {
    let is_offset = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    prefix == "GTIFF_RAW" || prefix.strip_prefix("GTIFF_DIR:off:").is_some_and(is_offset)
}

#[cfg(test)]
mod tests {
    use super::PathPolicy;
    use domain::Uri;

    #[test]
    fn only_files_below_the_roots_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("in.tif"), b"").unwrap();
        std::fs::write(folder.path().join("out.tif"), b"").unwrap();
        std::os::unix::fs::symlink(folder.path().join("out.tif"), root.join("link.tif")).unwrap();
        std::os::unix::fs::symlink(folder.path(), root.join("up")).unwrap();
        let policy = PathPolicy {
            allowed: vec![root.clone()],
            ..PathPolicy::default()
        };
        let uri = |path: std::path::PathBuf| Uri::parse(path.to_str().unwrap()).unwrap();
        assert!(policy.check(&uri(root.join("in.tif"))).is_ok());
        assert!(policy.check(&uri(root.join("absent.tif"))).is_ok());
        assert!(policy.check(&uri(folder.path().join("out.tif"))).is_err());
        assert!(policy.check(&uri(folder.path().join("data2.tif"))).is_err());
        assert!(policy.check(&uri(root.join("link.tif"))).is_err());
        // whether a file is there is not told
        for name in ["up/out.tif", "up/absent.tif", "up/absent/a.tif"] {
            let refused = policy.check(&uri(root.join(name))).unwrap_err();
            assert!(refused.to_string().contains("allowedPaths"), "{name}");
        }
        assert!(
            PathPolicy {
                all_local: true,
                ..PathPolicy::default()
            }
            .check(&uri("/etc/passwd".into()))
            .is_ok()
        );
    }

    #[test]
    fn prefixes_are_directories_of_a_tiff() {
        let allowed = |prefix: &str| PathPolicy::default().with_subdirs(&[prefix.to_owned()]);
        let policy = allowed("GTIFF_RAW").unwrap();
        for subdir in ["", "GTIFF_DIR:1", "GTIFF_DIR:999", "GTIFF_RAW"] {
            assert!(policy.check_subdir(subdir).is_ok(), "{subdir}");
        }
        for subdir in [
            "GTIFF_DIR:0",
            "GTIFF_DIR:",
            "GTIFF_DIR:-1",
            "GTIFF_DIR:1:x",
            "/vsicurl/",
            "VRT",
            "GTIFF_DIR:1234567",
        ] {
            assert!(policy.check_subdir(subdir).is_err(), "{subdir}");
        }
        assert!(allowed("GTIFF_DIR:off:8").is_ok());
        for prefix in [
            "HDF5",
            "NETCDF",
            "VRT",
            "/vsicurl/",
            "GTIFF_DIR:off:",
            "GTIFF_DIR:off:8:",
            "",
        ] {
            let refused = allowed(prefix).unwrap_err().to_string();
            assert!(refused.contains("expected GTIFF_RAW"), "{refused}");
        }
    }
}
