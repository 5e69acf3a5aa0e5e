//! Cubes out of known sources: the builder of images alone, without a catalogue.

use super::build::{ImageBuilder, Recipe};
use super::copies::CopySpace;
use super::{Cube, CubeHeader, ImageFormat, PayloadCompression, Slice, parse_crs};
use crate::{Engine, Error, Limits, PathPolicy, Result};
use domain::{DataFormat, DataMapping, DatasetSource, GeoTransform, Resampling, Size, Uri};
use futures::stream::StreamExt;
use imaging::Target;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use storage::Storage;

/// Settings of a [`Downloader`].
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// Bounds of one request.
    pub limits: Limits,
    /// Which files callers may name.
    pub paths: PathPolicy,
    /// Slices of one cube that are built at the same time.
    pub workers: usize,
    /// Bytes of one part of an image.
    pub part_bytes: usize,
    /// Local folder of the copies of remote files.
    pub workdir: PathBuf,
    /// Bytes of all copies together; files beyond are read in place.
    pub copied_bytes: u64,
}

/// A request of a cube whose sources are known.
#[derive(Clone, Debug)]
pub struct DownloadRequest {
    /// Records and sources of each image.
    pub slices: Vec<Slice>,
    /// Format of the pixels.
    pub format: DataFormat,
    /// Kernel.
    pub resampling: Resampling,
    /// Reference system of the output, as the caller wrote it.
    pub crs: String,
    /// Pixel grid of the output.
    pub transform: GeoTransform,
    /// Width and height of the output in pixels, not checked yet.
    pub size: (i64, i64),
    /// Form of the pixels.
    pub file_format: ImageFormat,
    /// Whether remote files are copied before they are read.
    pub predownload: bool,
}

/// Builds cubes next to the files, or next to the client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Downloader {
    builder: ImageBuilder,
    limits: Arc<Limits>,
    space: CopySpace,
}

impl Downloader {
    /// Wires the parts together, and removes the copies that killed downloaders left.
    ///
    /// # Errors
    /// When the folder of copies cannot be made.
    pub fn open(
        engine: Engine,
        storage: Arc<dyn Storage>,
        options: DownloadOptions,
    ) -> Result<Self> {
        let builder = ImageBuilder {
            engine,
            paths: Arc::new(options.paths),
            workers: options.workers,
            duration: options.limits.cube_duration,
            part_bytes: options.part_bytes,
            copies: None,
            look_up: None,
        };
        Ok(Self {
            builder,
            limits: Arc::new(options.limits),
            space: CopySpace::open(storage, &options.workdir, options.copied_bytes)?,
        })
    }

    /// Bounds of one request.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Starts to build the images of a cube.
    ///
    /// # Errors
    /// [`domain::Error::Invalid`] that names the field, files that may not be read among them,
    /// [`domain::Error::LimitExceeded`] when the cube is larger than the service builds.
    pub async fn cube(&self, request: DownloadRequest) -> Result<Cube> {
        let crs = parse_crs(request.crs).await?;
        let size = Size::try_new(request.size.0, request.size.1)?;
        let slices = request.slices;
        let datasets = slices.iter().map(|slice| slice.sources.len() as u64).sum();
        self.check_counts(slices.len(), datasets)?;
        let bands = band_count(&slices)?;
        self.limits.check_image(size, bands)?;
        self.check_paths(&slices).await?;
        let header = CubeHeader {
            slices: slices.len() as u64,
            datasets,
            format: request.format,
            resampling: request.resampling,
        };
        let recipe = Arc::new(Recipe {
            target: Target {
                crs,
                transform: request.transform,
                size,
            },
            mapping: DataMapping::identity(request.format),
            bands,
            resampling: request.resampling,
            format: request.file_format,
            compression: PayloadCompression::None,
        });
        self.builder.engine.check_image(recipe.bytes())?;
        let mut builder = self.builder.clone();
        if request.predownload {
            let sources = slices.iter().map(|slice| slice.sources.as_slice());
            builder.copies = Some(Arc::new(self.space.copies(sources)?));
        }
        Ok(Cube {
            header,
            size,
            images: builder.images(recipe, slices).boxed(),
        })
    }

    fn check_counts(&self, slices: usize, datasets: u64) -> domain::Result<()> {
        Limits::check(
            "slices in one cube (maxSlices)",
            slices as u64,
            self.limits.slices as u64,
        )?;
        Limits::check(
            "datasets in one request (maxRecords)",
            datasets,
            self.limits.records_per_request as u64,
        )
    }

    /// Refuses files that may not be read, before anything is sent. Links are followed, on a blocking thread.
    async fn check_paths(&self, slices: &[Slice]) -> Result<()> {
        let sources = slices.iter().flat_map(|slice| &slice.sources);
        let files: HashSet<(Uri, String)> = sources
            .map(|source| (source.uri.clone(), source.subdir.clone()))
            .collect();
        let paths = Arc::clone(&self.builder.paths);
        let check = move || {
            files.iter().try_for_each(|(uri, subdir)| {
                paths.check_subdir(subdir)?;
                paths.check(uri)
            })
        };
        let checked = tokio::task::spawn_blocking(check).await;
        Ok(checked
            .map_err(|panic| Error::internal("looking at the paths of a request", panic))??)
    }
}

/// Number of bands of the first source, which is that of all; 1 where there is no source at all.
fn band_count(slices: &[Slice]) -> domain::Result<usize> {
    let count = |source: &DatasetSource| source.bands.count();
    let mut counts = slices
        .iter()
        .flat_map(|slice| slice.sources.iter().map(count));
    let Some(first) = counts.next() else {
        return Ok(1);
    };
    if counts.any(|other| other != first) {
        return Err(domain::Error::invalid("Bands number is not constant"));
    }
    Ok(first)
}
