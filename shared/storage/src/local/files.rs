//! The file operations themselves, blocking.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use domain::Uri;

use crate::{Attributes, Error, Result, extension::part_of};

pub(super) fn attributes(uri: &Uri, path: &Path) -> Result<Attributes> {
    let metadata = regular(uri, path)?;
    Ok(Attributes {
        size: metadata.len(),
        version: version_of(&metadata),
        content_type: None,
        storage_class: None,
        last_modified: metadata.modified().ok(),
    })
}

/// Opens a regular file for reading; gives its size too.
pub(super) fn open(uri: &Uri, path: &Path, version: Option<&str>) -> Result<(File, u64)> {
    // before opening: that of a pipe would wait for a writer
    regular(uri, path)?;
    let file = File::open(path).map_err(|source| Error::from_io(uri, "read", source))?;
    let metadata = file
        .metadata()
        .map_err(|source| Error::from_io(uri, "read", source))?;
    if version.is_some_and(|version| version != version_of(&metadata)) {
        return Err(Error::Changed { uri: uri.clone() });
    }
    Ok((file, metadata.len()))
}

/// Writes all of `content` beside `path`, then puts it in its place.
///
/// Generic, so that a file is copied within the kernel.
pub(super) fn write(
    uri: &Uri,
    path: &Path,
    content: &mut impl Read,
    if_absent: bool,
) -> Result<()> {
    check_target(uri, path)?;
    let failed = |source| write_failed(uri, source);
    create_parent(path).map_err(failed)?;
    let part = part_of(path);
    let written = write_part(&part, content).and_then(|()| {
        if if_absent {
            // unlike a rename, a link never replaces what is there
            fs::hard_link(&part, path)?;
            return fs::remove_file(&part);
        }
        fs::rename(&part, path)
    });
    if let Err(source) = written {
        // the reason of the failure matters more than a part file that cannot be removed
        let _ = fs::remove_file(&part);
        return Err(match source.kind() {
            ErrorKind::AlreadyExists if if_absent => Error::AlreadyExists { uri: uri.clone() },
            _ => failed(source),
        });
    }
    sync_parent(path).map_err(failed)
}

pub(super) fn remove(uri: &Uri, path: &Path) -> Result<()> {
    regular(uri, path)?;
    fs::remove_file(path).map_err(|source| Error::from_io(uri, "delete", source))
}

pub(super) fn rename(from: &Uri, source: &Path, to: &Uri, target: &Path) -> Result<()> {
    regular(from, source)?;
    check_target(to, target)?;
    create_parent(target).map_err(|error| write_failed(to, error))?;
    match fs::rename(source, target) {
        Ok(()) => sync_parent(target).map_err(|error| write_failed(to, error)),
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let (mut content, _) = open(from, source, None)?;
            write(to, target, &mut content, false)?;
            remove(from, source)
        }
        Err(error) => Err(Error::from_io(from, "move", error)),
    }
}

fn regular(uri: &Uri, path: &Path) -> Result<Metadata> {
    let metadata = fs::metadata(path).map_err(|source| Error::from_io(uri, "read", source))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    let kind = if metadata.is_dir() {
        "a folder"
    } else {
        "a device or a pipe"
    };
    Err(Error::invalid(uri, format!("is {kind}, expected a file")))
}

fn check_target(uri: &Uri, path: &Path) -> Result<()> {
    if uri.as_str().ends_with('/') || path.file_name().is_none() {
        return Err(Error::invalid(uri, "is a folder, expected a file"));
    }
    match regular(uri, path) {
        Ok(_) => Ok(()),
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

fn write_part(part: &Path, content: &mut impl Read) -> io::Result<()> {
    let mut file = File::create_new(part)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Makes the new name durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
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
