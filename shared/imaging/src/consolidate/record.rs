//! One record: merged strip by strip into a tiled file.

use super::{ConsolidateSpec, RecordSources, mask, options, overviews::build_overviews};
use crate::{
    Error, Image, Result,
    cast::Side,
    dtype::to_gdal,
    ffi::{self, Layer, Window, capture},
    memory::zeroed,
    mosaic::Mosaic,
    sample::{Sample, with_sample},
};
use domain::{DType, DataFormat, DataMapping, Resampling, Size, Validity};
use gdal::{Dataset, errors::GdalError, raster::ColorInterpretation};
use std::path::{Path, PathBuf};

const ACTION: &str = "writing a consolidated record";

/// Bytes of a strip that are merged at once.
const STRIP_BYTES: u64 = 32 << 20;

/// The encoded files of one record.
pub(super) struct RecordFiles {
    /// The record, then the overviews that have files of their own.
    pub(super) paths: Vec<PathBuf>,
    /// Whether the record holds any valid pixel.
    pub(super) any_valid: bool,
}

/// Writes the file of a record, and those of the overviews that cannot be in it.
pub(super) fn write(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    path: &Path,
    cancel: &dyn Fn() -> bool,
) -> Result<RecordFiles> {
    let mapping = output_mapping(&spec.mapping, spec.validity());
    let options = options::creation(spec);
    let mut file = create(spec, &mapping.format, path, spec.target.size, &options)?;
    let any_valid = fill(spec, record, &mapping, &mut file, cancel)?;
    let factors = spec.overview_factors();
    let mut paths = vec![path.to_owned()];
    if !factors.is_empty() {
        // GDAL builds overviews from what was written.
        flush(&mut file)?;
        let kernel = overview_kernel(spec.overview_resampling);
        if blocks_suit_overviews(spec.block()) {
            build_overviews(&mut file, &factors, kernel, &options::overviews(spec))
                .map_err(|reason| Error::gdal("building overviews", reason))?;
        } else {
            let level = |factor: u32| {
                let Size { width, height } = spec.target.size;
                let size = Size {
                    width: width.div_ceil(factor),
                    height: height.div_ceil(factor),
                };
                let path = path.with_extension(format!("{factor}.tif"));
                let options = options::overview_file(spec);
                let file = create(spec, &mapping.format, &path, size, &options)?;
                Ok((path, file))
            };
            let (files, mut levels): (Vec<_>, Vec<_>) = factors
                .into_iter()
                .map(level)
                .collect::<Result<Vec<_>>>()?
                .into_iter()
                .unzip();
            let bands = (1..=file.raster_count()).map(Layer::Band);
            let mask = spec.validity().mask.then_some(Layer::Mask);
            for layer in bands.chain(mask) {
                ffi::regenerate(&file, &mut levels, layer, kernel)
                    .map_err(|reason| Error::gdal("building overviews", reason))?;
            }
            levels.into_iter().try_for_each(close)?;
            paths.extend(files);
        }
    }
    close(file)?;
    Ok(RecordFiles { paths, any_valid })
}

/// Whether GDAL gives overviews inside a file the blocks of the file.
fn blocks_suit_overviews((width, height): (u32, u32)) -> bool {
    width == height && width.is_power_of_two() && (64..=4096).contains(&width)
}

fn close(file: Dataset) -> Result<()> {
    let (_, captured) = capture(|| file.close());
    if captured.failed() {
        return Err(Error::gdal(ACTION, captured.text()));
    }
    Ok(())
}

/// Name of a kernel, as far as it builds overviews.
fn overview_kernel(kernel: Resampling) -> &'static str {
    match kernel {
        Resampling::Near
        | Resampling::Max
        | Resampling::Min
        | Resampling::Med
        | Resampling::Q1
        | Resampling::Q3 => "NEAREST",
        Resampling::Bilinear
        | Resampling::Cubic
        | Resampling::CubicSpline
        | Resampling::Lanczos
        | Resampling::Average
        | Resampling::Mode => kernel.name(),
    }
}

/// With an alpha band or a mask there is no hole marker: none for integers, NaN for floating numbers.
fn output_mapping(mapping: &DataMapping, validity: Validity) -> DataMapping {
    let mut mapping = *mapping;
    if validity.alpha || validity.mask {
        mapping.format.no_data = f64::NAN;
    }
    mapping
}

fn create(
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
    described.map_err(|error| {
        let reason = if captured.failed() {
            captured.text()
        } else {
            error.to_string()
        };
        Error::gdal(ACTION, reason)
    })?;
    if mask {
        mask::create(&mut file).map_err(|reason| Error::gdal(ACTION, reason))?;
    }
    Ok(file)
}

/// Whether a record that is not written holds any valid pixel.
pub(super) fn any_valid(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    cancel: &dyn Fn() -> bool,
) -> Result<bool> {
    let mut found = false;
    for_each_strip(spec, record, &spec.mapping, cancel, |image, _| {
        found = image.any_valid();
        Ok(!found)
    })?;
    Ok(found)
}

/// Merges the record into its file.
fn fill(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    mapping: &DataMapping,
    file: &mut Dataset,
    cancel: &dyn Fn() -> bool,
) -> Result<bool> {
    let mut any_valid = false;
    for_each_strip(spec, record, mapping, cancel, |image, row| {
        if image.any_valid() {
            any_valid = true;
            write_strip(file, image, row, spec.validity())?;
        }
        Ok(true)
    })?;
    Ok(any_valid)
}

/// Merges the record strip by strip, as long as `visit` asks for more; strips are whole rows of blocks.
fn for_each_strip(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    mapping: &DataMapping,
    cancel: &dyn Fn() -> bool,
    mut visit: impl FnMut(Image, usize) -> Result<bool>,
) -> Result<()> {
    if record.sources.is_empty() {
        return Ok(());
    }
    let mut mosaic = Mosaic::plan(&record.sources, mapping, spec.resampling)?;
    let Validity { alpha, mask } = spec.validity();
    if !(alpha || mask) {
        mosaic = mosaic.on_ground();
    }
    mosaic.open()?;
    let Size { width, height } = spec.target.size;
    let rows = strip_rows(spec, mapping.format.dtype);
    for row in (0..height).step_by(rows as usize) {
        let size = Size {
            width,
            height: rows.min(height - row),
        };
        let target = spec.target.part(0, row as usize, size);
        let image = mosaic.render(&target, &spec.limits, cancel)?;
        if !visit(image, row as usize)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Rows of a strip: whole blocks, as many as the memory for one strip holds.
fn strip_rows(spec: &ConsolidateSpec, dtype: DType) -> u32 {
    let (_, block) = spec.block();
    let line = u64::from(spec.target.size.width) * spec.bands as u64 * dtype.size() as u64;
    let blocks = STRIP_BYTES / (line * u64::from(block)).max(1);
    let rows = blocks.clamp(1, u64::from(u32::MAX / block)) as u32 * block;
    rows.min(spec.target.size.height)
}

fn write_strip(file: &mut Dataset, image: Image, row: usize, validity: Validity) -> Result<()> {
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
fn opacity(image: &Image) -> Result<Vec<u8>> {
    if let Some(coverage) = image.coverage() {
        return Ok(coverage.to_vec());
    }
    let mut opacity = zeroed("a mask", image.size().pixels() as usize)?;
    let raster = image.raster();
    raster.cover(&mut opacity, (raster.width, raster.height), (0, 0));
    Ok(opacity)
}

/// The opacity in the type of the samples.
fn alpha_band(opacity: &[u8], dtype: DType) -> Result<Vec<u8>> {
    let mut band = zeroed("an alpha band", opacity.len() * dtype.size())?;
    with_sample!(dtype, S => {
        for (sample, opacity) in band.chunks_exact_mut(S::SIZE).zip(opacity) {
            S::from_f64(f64::from(*opacity)).store(sample);
        }
    }, undefined => ());
    Ok(band)
}

fn flush(file: &mut Dataset) -> Result<()> {
    let (_, captured) = capture(|| file.flush_cache());
    if captured.failed() {
        return Err(Error::gdal(ACTION, captured.text()));
    }
    Ok(())
}
