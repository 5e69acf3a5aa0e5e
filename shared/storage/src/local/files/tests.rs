use super::*;
use std::{fs, os::unix::fs::symlink};

fn entry(path: &Path) -> Entry {
    let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
    Entry::new(folder.to_owned(), name.to_owned())
}

fn uri(path: &Path) -> Uri {
    Uri::parse(path.to_str().unwrap()).unwrap()
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
    symlink(root.join("outside"), root.join("link")).unwrap();
    symlink(root.join("outside/a"), root.join("a")).unwrap();
    // what was real when it was resolved
    for name in ["link/a", "a"] {
        let path = root.join(name);
        let (uri, entry) = (uri(&path), entry(&path));
        assert!(open(&uri, &entry, None).is_err(), "{name}");
        assert!(attributes(&uri, &entry).is_err(), "{name}");
    }
    let path = root.join("outside/a");
    assert_eq!(open(&uri(&path), &entry(&path), None).unwrap().1, 6);
    let found = attributes(&uri(&path), &entry(&path)).unwrap();
    assert_eq!(found.size, 6);
}

#[test]
fn nothing_is_changed_through_a_folder_that_became_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for name in ["outside", "root"] {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("a"), name).unwrap();
    }
    symlink(root.join("outside"), root.join("link")).unwrap();
    let (inside, through) = (root.join("root/a"), root.join("link/a"));
    let (new, deep) = (root.join("link/new"), root.join("link/deep/new"));
    let moved = |from: &Path, to: &Path| rename(&uri(from), &entry(from), &uri(to), &entry(to));
    for target in [&through, &new, &deep] {
        for if_absent in [false, true] {
            let mut content = "changed".as_bytes();
            let written = write(&uri(target), &entry(target), &mut content, if_absent);
            assert!(written.is_err(), "{}", target.display());
        }
        assert!(moved(&inside, target).is_err(), "{}", target.display());
    }
    assert!(moved(&through, &root.join("root/b")).is_err());
    assert!(remove(&uri(&through), &entry(&through)).is_err());
    let outside: Vec<_> = fs::read_dir(root.join("outside")).unwrap().collect();
    assert_eq!(outside.len(), 1);
    assert_eq!(fs::read(root.join("outside/a")).unwrap(), b"outside");
    assert_eq!(fs::read(&inside).unwrap(), b"root");
}

#[test]
fn a_file_has_no_name_before_all_of_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("a");
    if nameless(&entry(&path).folder().unwrap()).is_none() {
        eprintln!("skipped: needs a file system with nameless files");
        return;
    }
    for (if_absent, before) in [(true, 0), (false, 1)] {
        let mut content = Watching {
            folder: folder.path(),
            seen: Vec::new(),
        };
        write(&uri(&path), &entry(&path), &mut content, if_absent).unwrap();
        assert_eq!(content.seen, [before; 3]);
        assert_eq!(fs::read(&path).unwrap(), b"xx");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_file_is_written_alike_with_and_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let count = || fs::read_dir(folder.path()).unwrap().count();
    let path = folder.path().canonicalize().unwrap().join("a");
    let opened = entry(&path).folder().unwrap();
    for (content, if_absent, expected) in [
        ("one", true, "one"),
        ("two", true, "one"),
        ("three", false, "three"),
    ] {
        let name = OsStr::new("a");
        let written = write_beside(&opened, name, &mut content.as_bytes(), if_absent);
        assert_eq!(written.is_ok(), content == expected, "{content}");
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(count(), 1);
    }
    let broken = write_beside(&opened, OsStr::new("b"), &mut Broken, false);
    assert!(broken.is_err());
    assert_eq!(count(), 1);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("broken"))
    }
}
