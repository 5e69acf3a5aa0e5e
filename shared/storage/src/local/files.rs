//! The file operations themselves, blocking.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use domain::Uri;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, linkat, openat, openat2},
    io::Errno,
};
use std::os::fd::AsRawFd;

use crate::{Attributes, Error, Result, extension::part_of};

pub(super) fn attributes(uri: &Uri, path: &Path) -> Result<Attributes> {
    // not opened for reading, which a pipe would wait for
    let found = open_real(path, OFlags::PATH).and_then(|file| file.metadata());
    let metadata = found.map_err(|source| Error::from_io(uri, "read", source))?;
    check_regular(uri, &metadata)?;
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
    // before opening: that of a device does something
    regular(uri, path)?;
    let failed = |source| Error::from_io(uri, "read", source);
    // nor does that of a pipe wait for a writer, should the file be one by now
    let file = open_real(path, OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check_regular(uri, &metadata)?;
    if version.is_some_and(|version| version != version_of(&metadata)) {
        return Err(Error::Changed { uri: uri.clone() });
    }
    Ok((file, metadata.len()))
}

/// Opens a real path, which has no links any more: one that was put in since it was checked is not followed.
fn open_real(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(file) => Ok(file.into()),
        // an old kernel, or a sandbox that does not know the call
        Err(Errno::NOSYS | Errno::PERM) => {
            Ok(openat(CWD, path, flags | OFlags::NOFOLLOW, Mode::empty())?.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes all of `content`, then puts it in its place. Until then it has no name where the file system can do without
/// one, so that a process which ends meanwhile leaves nothing; else it lies beside `path`.
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
    let written = match nameless(path) {
        Some(file) => fill(file, content).and_then(|file| name(&file, path, if_absent)),
        None => write_beside(path, content, if_absent),
    };
    if let Err(source) = written {
        return Err(match source.kind() {
            ErrorKind::AlreadyExists if if_absent => Error::AlreadyExists { uri: uri.clone() },
            _ => failed(source),
        });
    }
    sync_parent(path).map_err(failed)
}

/// A new file without a name in the folder of `path`, where the file system has such files.
fn nameless(path: &Path) -> Option<File> {
    let folder = path.parent()?;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder, flags, Mode::from(0o666)).ok()?);
    // naming it goes through this folder, which some sandboxes lack
    descriptor(&file).exists().then_some(file)
}

fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Gives a file its name, in place of the file that has it unless that one is to stay.
fn name(file: &File, path: &Path, if_absent: bool) -> io::Result<()> {
    let link = |path: &Path| {
        let linked = linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW);
        linked.map_err(io::Error::from)
    };
    match link(path) {
        // a link never replaces what is there, a move does
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !if_absent => {
            let part = part_of(path);
            link(&part)?;
            put(&part, path)
        }
        linked => linked,
    }
}

fn write_beside(path: &Path, content: &mut impl Read, if_absent: bool) -> io::Result<()> {
    let part = part_of(path);
    let written = File::create_new(&part).and_then(|file| fill(file, content));
    if written.is_ok() && !if_absent {
        return put(&part, path);
    }
    let linked = written.and_then(|_| fs::hard_link(&part, path));
    // the reason of a failure matters more than a part file that cannot be removed
    let removed = fs::remove_file(&part);
    linked.and(removed)
}

/// Moves a part file to its place, or removes it.
fn put(part: &Path, path: &Path) -> io::Result<()> {
    fs::rename(part, path).inspect_err(|_| {
        // the reason of the failure matters more than a part file that cannot be removed
        let _ = fs::remove_file(part);
    })
}

/// Writes all of the content, down to the disk.
fn fill(mut file: File, content: &mut impl Read) -> io::Result<File> {
    io::copy(content, &mut file)?;
    file.sync_all()?;
    Ok(file)
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

fn regular(uri: &Uri, path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|source| Error::from_io(uri, "read", source))?;
    check_regular(uri, &metadata)
}

fn check_regular(uri: &Uri, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
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
        Err(error) if error.is_not_found() => Ok(()),
        checked => checked,
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

/// Makes the folder of a file, as durable as the file will be.
fn create_parent(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let missing = missing(folder);
    fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(sync_parent)
}

/// The folders of a path that are not there, the innermost first.
fn missing(folder: &Path) -> Vec<&Path> {
    let folders = folder.ancestors();
    folders.take_while(|folder| !folder.exists()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_made_for_a_file_are_those_that_were_missing() {
        let root = tempfile::tempdir().unwrap();
        let there = root.path().join("there");
        fs::create_dir(&there).unwrap();
        let new = there.join("new");
        assert_eq!(missing(&new.join("deep")), [new.join("deep"), new.clone()]);
        create_parent(&new.join("deep/a.tif")).unwrap();
        assert_eq!(missing(&new.join("deep")), Vec::<&Path>::new());
    }

    /// Content that looks at the folder while it is written.
    struct Watching<'a> {
        folder: &'a Path,
        seen: Vec<usize>,
    }

    impl Read for Watching<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.seen.push(fs::read_dir(self.folder)?.count());
            let count = usize::from(self.seen.len() != 3);
            buffer[..count].fill(b'x');
            Ok(count)
        }
    }

    #[test]
    fn a_link_that_was_put_in_after_the_check_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("outside")).unwrap();
        fs::write(root.join("outside/a"), "secret").unwrap();
        std::os::unix::fs::symlink(root.join("outside"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("outside/a"), root.join("a")).unwrap();
        // what was real when it was resolved
        for name in ["link/a", "a"] {
            let path = root.join(name);
            let uri = Uri::parse(path.to_str().unwrap()).unwrap();
            assert!(open(&uri, &path, None).is_err(), "{name}");
            assert!(attributes(&uri, &path).is_err(), "{name}");
        }
        let path = root.join("outside/a");
        let uri = Uri::parse(path.to_str().unwrap()).unwrap();
        assert_eq!(open(&uri, &path, None).unwrap().1, 6);
        assert_eq!(attributes(&uri, &path).unwrap().size, 6);
    }

    #[test]
    fn a_file_has_no_name_before_all_of_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        if nameless(&path).is_none() {
            eprintln!("skipped: needs a file system with nameless files");
            return;
        }
        let uri = Uri::parse(path.to_str().unwrap()).unwrap();
        for (if_absent, before) in [(true, 0), (false, 1)] {
            let mut content = Watching {
                folder: folder.path(),
                seen: Vec::new(),
            };
            write(&uri, &path, &mut content, if_absent).unwrap();
            assert_eq!(content.seen, [before; 3]);
            assert_eq!(fs::read(&path).unwrap(), b"xx");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_is_written_alike_with_and_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(folder.path()).unwrap().count();
        let path = folder.path().join("a");
        for (content, if_absent, expected) in [
            ("one", true, "one"),
            ("two", true, "one"),
            ("three", false, "three"),
        ] {
            let written = write_beside(&path, &mut content.as_bytes(), if_absent);
            assert_eq!(written.is_ok(), content == expected, "{content}");
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
            assert_eq!(count(), 1);
        }
        let broken = write_beside(&folder.path().join("b"), &mut Broken, false);
        assert!(broken.is_err());
        assert_eq!(count(), 1);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
