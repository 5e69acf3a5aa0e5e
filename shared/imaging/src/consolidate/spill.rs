//! Encoded tiles on their way to the result.

use super::io;
use crate::Result;
use cog::ReadAt;
use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Bytes copied at once.
const CHUNK: u64 = 1 << 20;

/// A scratch file that only grows; any thread may append. It has no name, so that nothing is left of it whatever
/// happens.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    /// Where the next bytes go. Nothing is at 0: that is where TIFF says that a tile is not stored.
    end: AtomicU64,
    path: PathBuf,
}

impl Spill {
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let path = folder.join("tiles");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|file| fs::remove_file(&path).map(|()| file))
            .map_err(|source| io("creating", &path, source))?;
        let end = AtomicU64::new(1);
        Ok(Self { file, end, path })
    }

    /// Appends bytes. Returns the place of the first one.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<u64> {
        let start = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.put(bytes, start)?;
        Ok(start)
    }

    /// Appends a whole file. Returns the place of its first byte.
    pub(super) fn append_file(&self, file: &File) -> Result<u64> {
        let length = ReadAt::len(file);
        let start = self.end.fetch_add(length, Ordering::Relaxed);
        let mut buffer = Vec::new();
        let mut done = 0;
        while done < length {
            buffer.resize((length - done).min(CHUNK) as usize, 0);
            file.read_exact_at(&mut buffer, done)
                .map_err(|source| io("copying to", &self.path, source))?;
            self.put(&buffer, start + done)?;
            done += buffer.len() as u64;
        }
        Ok(start)
    }

    fn put(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|source| io("writing", &self.path, source))
    }
}

impl ReadAt for Spill {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn len(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_threads_append_is_found_where_they_were_told() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::create(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no name");
        let append = |letter: u8| {
            let lengths = 1..200_usize;
            let bytes = lengths.map(|length| vec![letter; length]);
            let places = bytes.map(|bytes| (spill.append(&bytes).unwrap(), bytes));
            places.collect::<Vec<_>>()
        };
        let places = thread::scope(|scope| {
            let threads = [1, 2, 3].map(|letter| scope.spawn(move || append(letter)));
            threads.map(|thread| thread.join().unwrap()).concat()
        });
        for (offset, bytes) in places {
            assert!(offset > 0);
            let mut found = vec![0; bytes.len()];
            spill.read_at(offset, &mut found).unwrap();
            assert_eq!(found, bytes);
        }
    }

    #[test]
    fn files_are_appended_whole() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::create(folder.path()).unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..CHUNK as u32 + 7).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        spill.append(b"before").unwrap();
        let start = spill.append_file(&File::open(&path).unwrap()).unwrap();
        let mut found = vec![0; bytes.len()];
        spill.read_at(start, &mut found).unwrap();
        assert!(found == bytes && spill.len() == start + bytes.len() as u64);
    }
}
