//! Files in GDAL's memory.

use crate::ffi::{Captured, capture};
use gdal::{errors::GdalError, vsi};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A file of the library's memory file system, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct MemoryFile(PathBuf);

impl MemoryFile {
    /// A name of its own; nothing is there yet.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(PathBuf::from(format!("/vsimem/imaging/{number}.tif")))
    }

    /// Its name for GDAL.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Its bytes, without a copy.
    pub(crate) fn take(self) -> Result<Vec<u8>, String> {
        let (bytes, captured) = capture(|| vsi::get_vsi_mem_file_bytes_owned(&self.0));
        bytes.map_err(|error| reason(&captured, &error))
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        // Nothing is left when the bytes were taken.
        let (_gone, _) = capture(|| vsi::unlink_mem_file(&self.0));
    }
}

/// What GDAL said, else what its binding says.
pub(crate) fn reason(captured: &Captured, error: &GdalError) -> String {
    if captured.failed() {
        captured.text()
    } else {
        error.to_string()
    }
}
