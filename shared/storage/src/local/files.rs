//! The file operations themselves, blocking.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use domain::Uri;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, linkat, openat, renameat, unlinkat},
    io::Errno,
};

use super::folder::{Entry, Folder};
use crate::{Attributes, Error, Result, extension::part_of};

pub(super) fn attributes(uri: &Uri, file: &Entry) -> Result<Attributes> {
    let metadata = metadata(uri, file)?;
    check_regular(uri, &metadata)?;
    Ok(Attributes {
        size: metadata.len(),
        version: version_of(&metadata),
        content_type: None,
        storage_class: None,
        unknown_class: None,
        last_modified: metadata.modified().ok(),
    })
}

fn metadata(uri: &Uri, file: &Entry) -> Result<Metadata> {
    let found = file.folder().and_then(|folder| folder.metadata(&file.name));
    found.map_err(|source| Error::from_io(uri, "read", source))
}

/// Opens a regular file for reading.
pub(super) fn open_regular(uri: &Uri, file: &Entry) -> Result<(File, Metadata)> {
    let failed = |source| Error::from_io(uri, "read", source);
    let folder = file.folder().map_err(failed)?;
    // before opening: that of a device does something
    check_regular(uri, &folder.metadata(&file.name).map_err(failed)?)?;
    // nor does that of a pipe wait for a writer, should the file be one by now
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let opened = folder.file(&file.name, flags).map_err(failed)?;
    let metadata = opened.metadata().map_err(failed)?;
    check_regular(uri, &metadata)?;
    Ok((opened, metadata))
}

/// Opens a regular file for reading; gives its size too.
pub(super) fn open(uri: &Uri, file: &Entry, version: Option<&str>) -> Result<(File, u64)> {
    let (file, metadata) = open_regular(uri, file)?;
    if version.is_some_and(|version| version != version_of(&metadata)) {
        return Err(Error::Changed { uri: uri.clone() });
    }
    Ok((file, metadata.len()))
}

/// Writes all of `content`, then puts it in its place. Until then it has no name where the file system can do without
/// one, so that a process which ends meanwhile leaves nothing; else it lies beside its place.
///
/// Generic, so that a file is copied within the kernel.
pub(super) fn write(
    uri: &Uri,
    target: &Entry,
    content: &mut impl Read,
    if_absent: bool,
) -> Result<()> {
    check_target(uri, target)?;
    let failed = |source| write_failed(uri, source);
    let folder = target.made_folder().map_err(failed)?;
    let name = &target.name;
    let written = match nameless(&folder) {
        Some(file) => fill(file, content).and_then(|file| give(&file, &folder, name, if_absent)),
        None => write_beside(&folder, name, content, if_absent),
    };
    if let Err(source) = written {
        return Err(match source.kind() {
            ErrorKind::AlreadyExists if if_absent => Error::AlreadyExists { uri: uri.clone() },
            _ => failed(source),
        });
    }
    folder.sync().map_err(failed)
}

/// A new file without a name in a folder, where the file system has such files.
fn nameless(folder: &Folder) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(openat(&folder.0, ".", flags, Mode::from(0o666)).ok()?);
    // naming it goes through this folder, which some sandboxes lack
    descriptor(&file).exists().then_some(file)
}

fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Gives a file its name, in place of the file that has it unless that one is to stay.
fn give(file: &File, folder: &Folder, name: &OsStr, if_absent: bool) -> io::Result<()> {
    let link = |name: &OsStr| {
        let follow = AtFlags::SYMLINK_FOLLOW;
        let linked = linkat(CWD, descriptor(file), &folder.0, name, follow);
        linked.map_err(io::Error::from)
    };
    match link(name) {
        // a link never replaces what is there, a move does
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !if_absent => {
            let part = part();
            link(&part)?;
            put(folder, &part, name)
        }
        linked => linked,
    }
}

fn part() -> OsString {
    part_of(Path::new("part")).into_os_string()
}

fn write_beside(
    folder: &Folder,
    name: &OsStr,
    content: &mut impl Read,
    if_absent: bool,
) -> io::Result<()> {
    let part = part();
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let written = folder.file(&part, new).and_then(|file| fill(file, content));
    if written.is_ok() && !if_absent {
        return put(folder, &part, name);
    }
    let link = || Ok(linkat(&folder.0, &part, &folder.0, name, AtFlags::empty())?);
    let linked = written.and_then(|_| link());
    // the reason of a failure matters more than a part file that cannot be removed
    let removed = unlink(folder, &part);
    linked.and(removed)
}

/// Moves a part file to its place, or removes it.
fn put(folder: &Folder, part: &OsStr, name: &OsStr) -> io::Result<()> {
    renameat(&folder.0, part, &folder.0, name).map_err(|error| {
        // the reason of the failure matters more than a part file that cannot be removed
        let _ = unlink(folder, part);
        error.into()
    })
}

fn unlink(folder: &Folder, name: &OsStr) -> io::Result<()> {
    Ok(unlinkat(&folder.0, name, AtFlags::empty())?)
}

/// Writes all of the content, down to the disk.
fn fill(mut file: File, content: &mut impl Read) -> io::Result<File> {
    io::copy(content, &mut file)?;
    file.sync_all()?;
    Ok(file)
}

/// Removes a file, or a link and not what it leads to.
pub(super) fn remove(uri: &Uri, target: &Entry) -> Result<()> {
    let failed = |source| Error::from_io(uri, "delete", source);
    let folder = target.folder().map_err(failed)?;
    let metadata = folder.metadata(&target.name).map_err(failed)?;
    check_changeable(uri, &metadata)?;
    unlink(&folder, &target.name).map_err(failed)
}

pub(super) fn rename(from: &Uri, source: &Entry, to: &Uri, target: &Entry) -> Result<()> {
    check_regular(from, &metadata(from, source)?)?;
    check_target(to, target)?;
    let failed = |error| write_failed(to, error);
    let old = source.folder();
    let old = old.map_err(|error| Error::from_io(from, "move", error))?;
    let new = target.made_folder().map_err(failed)?;
    match renameat(&old.0, &source.name, &new.0, &target.name) {
        Ok(()) => new.sync().map_err(failed),
        Err(Errno::XDEV) => {
            let (mut content, _) = open(from, source, None)?;
            write(to, target, &mut content, false)?;
            remove(from, source)
        }
        Err(error) => Err(Error::from_io(from, "move", error.into())),
    }
}

fn check_regular(uri: &Uri, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() {
        "a folder"
    } else if metadata.is_symlink() {
        "a link"
    } else {
        "a device or a pipe"
    };
    Err(Error::invalid(uri, format!("is {kind}, expected a file")))
}

/// A link is a name like another.
fn check_changeable(uri: &Uri, metadata: &Metadata) -> Result<()> {
    if metadata.is_symlink() {
        return Ok(());
    }
    check_regular(uri, metadata)
}

fn check_target(uri: &Uri, target: &Entry) -> Result<()> {
    if uri.as_str().ends_with('/') {
        return Err(Error::invalid(uri, "is a folder, expected a file"));
    }
    match metadata(uri, target) {
        Ok(found) => check_changeable(uri, &found),
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

/// A write cannot miss its target, so a missing or unusable folder is a failure of its own.
fn write_failed(uri: &Uri, source: io::Error) -> Error {
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            Error::Failed {
                uri: uri.clone(),
                operation: "write",
                source: source.into(),
            }
        }
        _ => Error::from_io(uri, "write", source),
    }
}

/// A write goes to a new file, so inode and times together change with the content.
fn version_of(metadata: &Metadata) -> String {
    format!(
        "{:x}-{:x}-{:x}.{:x}",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    )
}

#[cfg(test)]
mod tests;
