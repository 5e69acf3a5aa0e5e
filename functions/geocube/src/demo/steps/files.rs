//! The files behind the datasets.

use std::collections::BTreeSet;
use std::fs;

use domain::Uri;

use super::count;
use crate::demo::client::Cube;
use crate::screen;

/// How many files a cube is read from, and how large they are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Files {
    /// Number of files.
    pub count: usize,
    /// Their bytes, as far as they are on this machine.
    pub bytes: u64,
}

impl Files {
    /// The files of a cube.
    pub fn of(cube: &Cube) -> Self {
        let sources = cube.slices.iter().flat_map(|slice| &slice.sources);
        let uris: BTreeSet<&str> = sources
            .map(|source| source.container_uri.as_str())
            .collect();
        let length = |uri: &str| {
            let uri = Uri::parse(uri).ok()?;
            fs::metadata(uri.local_path()?)
                .ok()
                .map(|found| found.len())
        };
        Self {
            count: uris.len(),
            bytes: uris.iter().filter_map(|uri| length(uri)).sum(),
        }
    }

    /// `3 files, 1.2 MB`.
    pub fn text(&self) -> String {
        let Self {
            count: files,
            bytes,
        } = *self;
        if bytes == 0 {
            return count(files, "file");
        }
        format!("{}, {}", count(files, "file"), screen::bytes(bytes))
    }
}
