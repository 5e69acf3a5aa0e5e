//! Records in codecs that only GDAL writes: merged strip by strip into a file of GDAL's, whose tiles are taken over.

use super::{
    ConsolidateSpec, assembling, io, mask, options,
    overviews::{build_overviews, kernel_name},
    spill::Spill,
    strips::{self, Strips},
};
use crate::{
    Error, Result,
    cast::Side,
    dtype::{opaque, to_gdal},
    ffi::{self, Layer, Window, capture},
    image::Image as Merged,
    memory::zeroed,
    memory_file::{MemoryFile, reason},
    mosaic::Mosaic,
    sample::{Sample, with_sample},
};
use cog::{Image, Level, Record};
use domain::{DType, DataFormat, Size, Validity};
use gdal::{Dataset, errors::GdalError, raster::ColorInterpretation};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

const ACTION: &str = "writing a consolidated record";

/// Where a file is made.
enum Place {
    Memory(MemoryFile),
    Disk(PathBuf),
}

impl Place {
    fn new(spec: &ConsolidateSpec, folder: &Path) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if strips::fits(spec, spec.target.size.height) {
            return Self::Memory(MemoryFile::new());
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::Disk(folder.join(format!("{number}.tif")))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Memory(file) => file.path(),
            Self::Disk(path) => path,
        }
    }

    /// Moves the tiles into the scratch file. Returns their images.
    fn into_levels(self, spill: &Spill) -> Result<Vec<Level>> {
        let (header, start) = match self {
            Self::Memory(file) => {
                let path = file.path().to_owned();
                let bytes = file.take().map_err(|reason| Error::gdal(ACTION, reason))?;
                let header = cog::File::read(&bytes).map_err(|source| assembling(&path, source))?;
                (header, spill.append(&bytes)?)
            }
            Self::Disk(path) => {
                let file = File::open(&path).map_err(|source| io("opening", &path, source))?;
                let header = cog::File::read(&file).map_err(|source| assembling(&path, source))?;
                let start = spill.append_file(&file)?;
                fs::remove_file(&path).map_err(|source| io("removing", &path, source))?;
                (header, start)
            }
        };
        let levels = header.records.into_iter().flat_map(|record| record.levels);
        Ok(levels.map(|level| moved(level, start)).collect())
    }
}

/// Where a directory is written again, GDAL keeps room for numbers that no key refers to.
pub(super) fn without_unused(mut image: Image) -> Image {
    const DOUBLES: u16 = 34736;
    let geo = &mut image.tags.geo;
    let mut keys = geo.keys.chunks_exact(4).skip(1);
    if !keys.any(|key| key[1] == DOUBLES) {
        geo.doubles.clear();
    }
    image
}

fn moved(mut level: Level, by: u64) -> Level {
    level.image = without_unused(level.image);
    let images = std::iter::once(&mut level.image).chain(&mut level.masks);
    for block in images.flat_map(|image| &mut image.blocks) {
        if !block.is_sparse() {
            block.offset += by;
        }
    }
    level
}

/// Encodes a record into the scratch file. Returns its images, and whether it holds any valid pixel.
pub(super) fn write(
    spec: &ConsolidateSpec,
    mosaic: Option<&Mosaic<'_>>,
    folder: &Path,
    spill: &Spill,
    cancel: &dyn Fn() -> bool,
) -> Result<(Record, bool)> {
    let format = spec.output_mapping().format;
    let full = Place::new(spec, folder);
    let mut file = create(
        spec,
        &format,
        full.path(),
        spec.target.size,
        &options::creation(spec),
    )?;
    let any_valid = match mosaic {
        Some(mosaic) => fill(spec, mosaic, &mut file, cancel)?,
        None => false,
    };
    let factors = spec.overview_factors();
    let mut places = vec![full];
    if !factors.is_empty() {
        // GDAL builds overviews from what was written.
        flush(&mut file)?;
        let kernel = kernel_name(spec.overview_resampling);
        if blocks_suit_overviews(spec.block()) {
            build_overviews(&mut file, &factors, kernel, &options::overviews(spec))
                .map_err(|reason| Error::gdal("building overviews", reason))?;
        } else {
            let mut levels = Vec::new();
            for factor in factors {
                let place = Place::new(spec, folder);
                levels.push(create_overview(spec, &format, place.path(), factor)?);
                places.push(place);
            }
            regenerate(spec, &file, &levels, kernel)?;
            levels.into_iter().try_for_each(close)?;
        }
    }
    close(file)?;
    let mut levels = Vec::new();
    for place in places {
        levels.extend(place.into_levels(spill)?);
    }
    Ok((Record { levels }, any_valid))
}

fn regenerate(
    spec: &ConsolidateSpec,
    file: &Dataset,
    levels: &[Dataset],
    kernel: &str,
) -> Result<()> {
    let levels: Vec<&Dataset> = levels.iter().collect();
    let bands = (1..=file.raster_count()).map(Layer::Band);
    let mask = spec.validity().mask.then_some(Layer::Mask);
    for layer in bands.chain(mask) {
        ffi::regenerate(file, &levels, layer, kernel)
            .map_err(|reason| Error::gdal("building overviews", reason))?;
    }
    Ok(())
}

/// Whether GDAL gives overviews inside a file the blocks of the file.
pub(super) fn blocks_suit_overviews((width, height): (u32, u32)) -> bool {
    width == height && width.is_power_of_two() && (64..=4096).contains(&width)
}

pub(super) fn close(file: Dataset) -> Result<()> {
    let (_, captured) = capture(|| file.close());
    if captured.failed() {
        return Err(Error::gdal(ACTION, captured.text()));
    }
    Ok(())
}

/// Creates the file of an overview that cannot be in the file of its image.
pub(super) fn create_overview(
    spec: &ConsolidateSpec,
    format: &DataFormat,
    path: &Path,
    factor: u32,
) -> Result<Dataset> {
    let options = options::overview_file(spec);
    create(spec, format, path, spec.level_size(factor), &options)
}

pub(super) fn create(
    spec: &ConsolidateSpec,
    format: &DataFormat,
    path: &Path,
    Size { width, height }: Size,
    options: &[(String, String)],
) -> Result<Dataset> {
    let Validity { alpha, mask } = spec.validity();
    let bands = spec.bands + usize::from(alpha);
    let mut file = ffi::create_gtiff(path, (width, height), bands, to_gdal(format.dtype), options)
        .map_err(|reason| Error::gdal(ACTION, reason))?;
    let crs = spec.target.crs.spatial_ref()?;
    let (described, captured) = capture(|| {
        file.set_geo_transform(&spec.target.transform.0)?;
        file.set_spatial_ref(&crs)?;
        for band in 1..=bands {
            let mut band = file.rasterband(band)?;
            if let Some(no_data) = Side::of(format).hole {
                band.set_no_data_value(Some(no_data))?;
            }
        }
        if alpha {
            file.rasterband(bands)?
                .set_color_interpretation(ColorInterpretation::AlphaBand)?;
        }
        Ok::<_, GdalError>(())
    });
    described.map_err(|error| Error::gdal(ACTION, reason(&captured, &error)))?;
    if mask {
        mask::create(&mut file).map_err(|reason| Error::gdal(ACTION, reason))?;
    }
    Ok(file)
}

/// Merges the record into its file. Returns whether it holds any valid pixel.
fn fill(
    spec: &ConsolidateSpec,
    mosaic: &Mosaic<'_>,
    file: &mut Dataset,
    cancel: &dyn Fn() -> bool,
) -> Result<bool> {
    let mut any_valid = false;
    for strip in Strips::new(spec, mosaic, spec.block().1, cancel) {
        let (row, image) = strip?;
        any_valid |= image.any_valid();
        if image.any_valid() || mosaic.is_on_ground() {
            write_strip(file, image, row as usize, spec.validity())?;
        }
    }
    Ok(any_valid)
}

fn write_strip(file: &mut Dataset, image: Merged, row: usize, validity: Validity) -> Result<()> {
    let (dtype, bands) = (image.dtype(), image.bands());
    let window = Window {
        x: 0,
        y: row,
        width: image.size().width as usize,
        height: image.size().height as usize,
    };
    let Validity { alpha, mask } = validity;
    let opacity = (alpha || mask).then(|| opacity(&image)).transpose()?;
    let mut samples = image.into_band_sequential();
    if let Some(opacity) = opacity {
        if alpha {
            samples.extend_from_slice(&alpha_band(&opacity, dtype)?);
        }
        if mask {
            mask::write(file, window, opacity).map_err(|reason| Error::gdal(ACTION, reason))?;
        }
    }
    let bands = bands + usize::from(alpha);
    ffi::write(file, bands, window, to_gdal(dtype), dtype.size(), &samples)
        .map_err(|reason| Error::gdal(ACTION, reason))
}

/// 255 where there is data, else 0.
fn opacity(image: &Merged) -> Result<Vec<u8>> {
    if let Some(coverage) = image.coverage() {
        return Ok(coverage.to_vec());
    }
    let mut opacity = zeroed("a mask", image.size().pixels() as usize)?;
    let raster = image.raster();
    raster.cover(&mut opacity, (raster.width, raster.height), (0, 0));
    Ok(opacity)
}

/// The opacity in the type of the samples, full where it is the value that GDAL takes for opaque.
fn alpha_band(opacity: &[u8], dtype: DType) -> Result<Vec<u8>> {
    let mut band = zeroed("an alpha band", opacity.len() * dtype.size())?;
    let scale = f64::from(opaque(dtype)) / f64::from(u8::MAX);
    with_sample!(dtype, S => {
        for (sample, opacity) in band.chunks_exact_mut(S::SIZE).zip(opacity) {
            S::from_f64(f64::from(*opacity) * scale).store(sample);
        }
    }, undefined => ());
    Ok(band)
}

pub(super) fn flush(file: &mut Dataset) -> Result<()> {
    let (_, captured) = capture(|| file.flush_cache());
    if captured.failed() {
        return Err(Error::gdal(ACTION, captured.text()));
    }
    Ok(())
}
