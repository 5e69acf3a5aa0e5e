//! The samples of a dataset, read here where that is possible, else by GDAL.

use super::{FileInfo, mask::Mask, open, tiff::Tiff};
use crate::{
    Error, Result,
    dtype::to_gdal,
    error::of_store,
    ffi::{self, Window},
    file::OpenFile,
    remote::RemoteFile,
};
use domain::{DatasetSource, Uri};
use std::{
    cell::{Cell, OnceCell},
    ops::{AddAssign, Range},
};

/// How many windows of sources were read, and by what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// From the blocks of the file, without GDAL.
    pub direct: u64,
    /// By GDAL.
    pub library: u64,
}

impl AddAssign for Reads {
    fn add_assign(&mut self, other: Self) {
        self.direct += other.direct;
        self.library += other.library;
    }
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The dataset itself, or one of its overviews.
    pub(super) overview: Option<usize>,
    pub(super) window: Window,
    /// Most bytes of one block to decode.
    pub(super) limit: u64,
}

/// What reads the samples of a dataset.
pub(super) struct Pixels {
    uri: Uri,
    subdir: String,
    /// The file as it was opened, whoever reads it; `None` for an object where there is no store.
    file: Option<OpenFile>,
    tiff: Option<Tiff>,
    /// Opened when it is needed.
    library: OnceCell<open::Library>,
    reads: Cell<Reads>,
}

impl Pixels {
    pub(super) fn of_tiff(source: &DatasetSource, file: Option<OpenFile>, tiff: Tiff) -> Self {
        Self {
            uri: source.uri.clone(),
            subdir: source.subdir.clone(),
            file,
            tiff: Some(tiff),
            library: OnceCell::new(),
            reads: Cell::default(),
        }
    }

    pub(super) fn of_library(
        source: &DatasetSource,
        file: Option<OpenFile>,
        dataset: open::Library,
    ) -> Self {
        Self {
            uri: source.uri.clone(),
            subdir: source.subdir.clone(),
            file,
            tiff: None,
            library: OnceCell::from(dataset),
            reads: Cell::default(),
        }
    }

    pub(super) fn local(&self) -> Option<(&OpenFile, &cog::File)> {
        self.tiff.as_ref()?.local()
    }

    pub(super) fn take_reads(&self) -> Reads {
        self.reads.take()
    }

    /// Reads a window of some bands (from 1), band after band.
    pub(super) fn read(
        &self,
        bands: &[i32],
        info: &FileInfo,
        region: Region,
        out: &mut [u8],
    ) -> Result<()> {
        let no_data = info.no_data.unwrap_or_default();
        if self.directly(|tiff| tiff.read(region, no_data, out))? {
            return Ok(());
        }
        let (data_type, bytes) = (to_gdal(info.dtype), info.dtype.size());
        ffi::read(
            self.library()?,
            region.overview,
            bands,
            region.window,
            data_type,
            bytes,
            out,
        )
        .map_err(|reason| self.failed(reason))
    }

    /// Reads a window of the mask of a band, one byte per pixel.
    pub(super) fn read_mask(
        &self,
        mask: Mask,
        band: i32,
        info: &FileInfo,
        region: Region,
        out: &mut [u8],
    ) -> Result<()> {
        let no_data = info.no_data.unwrap_or_default();
        let read = self.directly(|tiff| match mask {
            Mask::Alpha { band, .. } => tiff.read_alpha(band, region, no_data, out),
            Mask::None | Mask::PerDataset { .. } | Mask::PerBand => tiff.read_mask(region, out),
        })?;
        if read {
            return Ok(());
        }
        mask.read(self.library()?, region.overview, band, region.window, out)
            .map_err(|reason| self.failed(reason))
    }

    /// Whether a read without GDAL succeeded. What fails is read again by GDAL, which has the last word on damaged
    /// files; not so what a store failed to deliver.
    fn directly(&self, read: impl FnOnce(&Tiff) -> Result<(), cog::Error>) -> Result<bool> {
        let done = match self.tiff.as_ref().map(read) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                let error = match of_store(error) {
                    Ok(failure) => return Err(Error::reading(self.name(), failure)),
                    Err(error) => error,
                };
                tracing::debug!(uri = %self.uri, subdir = self.subdir, %error, "left to GDAL");
                false
            }
            None => false,
        };
        let mut reads = self.reads.get();
        reads += Reads {
            direct: u64::from(done),
            library: u64::from(!done),
        };
        self.reads.set(reads);
        if !done && let Some(file) = &self.file {
            // a failure that was overcome
            _ = file.take_failure();
        }
        Ok(done)
    }

    fn library(&self) -> Result<&open::Library> {
        if let Some(dataset) = self.library.get() {
            return Ok(dataset);
        }
        let (dataset, _) = open::open(&self.uri, &self.subdir, self.file.as_ref())?;
        Ok(self.library.get_or_init(|| dataset))
    }

    fn name(&self) -> String {
        open::name(&self.uri, &self.subdir)
    }

    fn failed(&self, reason: String) -> Error {
        let failure = self.file.as_ref().and_then(OpenFile::take_failure);
        match failure {
            Some(failure) => Error::reading(self.name(), failure),
            None => Error::Read {
                name: self.name(),
                reason: match self.library.get() {
                    Some(library) => library.in_public(&reason),
                    None => reason,
                },
            },
        }
    }

    /// The object, and the bytes of it that hold a window, where it is one that is read without GDAL.
    pub(super) fn remote_ranges(
        &self,
        overview: Option<usize>,
        window: Window,
        mask: Mask,
    ) -> Option<(RemoteFile, Vec<Range<u64>>)> {
        let (file, tiff) = (self.file.as_ref()?.remote()?, self.tiff.as_ref()?);
        let ranges = tiff.ranges(overview, window, mask).ok()?;
        Some((file.clone(), ranges))
    }
}
