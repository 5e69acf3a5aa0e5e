//! Files of this machine, opened under the rules for them.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use domain::Uri;
use storage::{AllowedRoots, LocalFiles, ReadCounts};

static FILES: RwLock<Option<LocalFiles>> = RwLock::new(None);

/// Names the local files that may be read as images, all of them until then: for windows of pixels and for GDAL.
pub fn set_local_files(files: LocalFiles) {
    let mut current = FILES.write().unwrap_or_else(PoisonError::into_inner);
    *current = Some(files);
}

fn current() -> LocalFiles {
    let files = FILES.read().unwrap_or_else(PoisonError::into_inner);
    files
        .clone()
        .unwrap_or_else(|| LocalFiles::new(AllowedRoots::All, None))
}

/// A file that is open, whatever its name leads to by now.
#[derive(Clone, Debug)]
pub(crate) struct LocalFile {
    uri: Uri,
    file: Arc<File>,
    size: u64,
    counts: Option<ReadCounts>,
    /// What the system said last, for those who are only told that something failed.
    failure: Arc<Mutex<Option<storage::Error>>>,
}

impl LocalFile {
    /// Opens a regular file.
    pub(crate) fn open(uri: &Uri) -> storage::Result<(Self, Metadata)> {
        let files = current();
        let (file, metadata) = files.open(uri)?;
        let opened = Self {
            uri: uri.clone(),
            file: Arc::new(file),
            size: metadata.len(),
            counts: files.counts().cloned(),
            failure: Arc::default(),
        };
        Ok((opened, metadata))
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Fills as much of a buffer as there are bytes.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .file
                .read_at(&mut buffer[filled..], offset.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(counts) = &self.counts {
            counts.add(&self.uri, filled as u64);
        }
        Ok(filled)
    }

    pub(crate) fn failure(&self) -> &Mutex<Option<storage::Error>> {
        &self.failure
    }
}
