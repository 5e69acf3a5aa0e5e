//! Names in folders that were checked: whatever is put in the way of one afterwards is not followed.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, ErrorKind},
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

/// A name in a folder, whose path was without links when it was checked.
#[derive(Debug)]
pub(super) struct Entry {
    folder: PathBuf,
    pub(super) name: OsString,
}

impl Entry {
    pub(super) fn new(folder: PathBuf, name: OsString) -> Self {
        Self { folder, name }
    }

    /// Opens the folder.
    pub(super) fn folder(&self) -> io::Result<Folder> {
        Folder::open(&self.folder, false)
    }

    /// Opens the folder, and makes what is missing of it, as durable as the files in it will be.
    pub(super) fn made_folder(&self) -> io::Result<Folder> {
        Folder::open(&self.folder, true)
    }
}

/// A folder that is open: its names are those of this very folder, whatever its path leads to by now.
#[derive(Debug)]
pub(super) struct Folder(pub(super) OwnedFd);

/// A folder to look up names in.
const LOOK_UP: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Folder {
    /// Walks down a real path, from the root on, and through no link.
    fn open(path: &Path, make: bool) -> io::Result<Self> {
        let mut folder = Self(openat(CWD, "/", LOOK_UP, Mode::empty())?);
        for component in path.components() {
            match component {
                Component::RootDir => {}
                Component::Normal(name) => folder = folder.below(name, make)?,
                Component::Prefix(_) | Component::CurDir | Component::ParentDir => {
                    return Err(ErrorKind::InvalidFilename.into());
                }
            }
        }
        Ok(folder)
    }

    fn below(&self, name: &OsStr, make: bool) -> io::Result<Self> {
        match openat(&self.0, name, LOOK_UP, Mode::empty()) {
            Err(Errno::NOENT) if make => {}
            opened => return Ok(Self(opened?)),
        }
        match mkdirat(&self.0, name, Mode::from(0o777)) {
            // by somebody else in the meantime
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.sync()?;
        Ok(Self(openat(&self.0, name, LOOK_UP, Mode::empty())?))
    }

    /// Opens a file of the folder, and no link.
    pub(super) fn file(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(openat(&self.0, name, flags, Mode::from(0o666))?.into())
    }

    /// What a name stands for, without opening it, which a pipe would wait for.
    pub(super) fn metadata(&self, name: &OsStr) -> io::Result<Metadata> {
        self.file(name, OFlags::PATH)?.metadata()
    }

    /// Makes new names durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file(OsStr::new("."), OFlags::RDONLY | OFlags::DIRECTORY)?
            .sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn no_link_is_walked_through_and_what_is_missing_is_made() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir(root.join("there")).unwrap();
        symlink(root.join("there"), root.join("link")).unwrap();
        let deep = root.join("there/new/deep");
        assert_eq!(
            Folder::open(&deep, false).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        Folder::open(&deep, true).unwrap();
        Folder::open(&deep, true).unwrap();
        assert!(deep.is_dir());
        for path in ["link", "link/new"] {
            for make in [false, true] {
                assert!(Folder::open(&root.join(path), make).is_err(), "{path}");
            }
        }
        assert!(Folder::open(Path::new("/tmp/../tmp"), false).is_err());
    }
}
