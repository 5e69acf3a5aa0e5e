//! Records that are a fitting file already: their tiles are copied as they are.

use super::{ConsolidateSpec, RecordSources, joined::Joined};
use crate::{cast::Side, source::Source};
use cog::{ImageTags, Record, TiledSource};
use domain::{DType, DatasetSource, Size};
use std::fs::File;

/// Largest difference between two terms of geotransforms that are the same.
const TRANSFORM_TOLERANCE: f64 = 1e-8;

/// The only dataset of a record, when its file is what would be written: a cloud-optimised file of the same
/// grid, samples, mapping, blocks, overviews and lossless compression. Remote files are never taken: their tiles
/// would be asked for one by one.
pub(super) fn find(spec: &ConsolidateSpec, record: &RecordSources) -> Option<TiledSource<Joined>> {
    let [source] = record.sources.as_slice() else {
        return None;
    };
    let first_bands = source.bands.numbers().iter().copied().map(i64::from);
    let validity = spec.validity();
    let plain = source.subdir.is_empty()
        && source.mapping == spec.mapping
        && spec.mapping.format.dtype != DType::Int8
        && first_bands.eq(1..=spec.bands as i64)
        && !(validity.alpha || validity.mask)
        && !spec
            .creation_params
            .keys()
            .any(|key| key.contains("PHOTOMETRIC"));
    if !plain {
        return None;
    }
    let file = File::open(source.uri.local_path()?).ok()?;
    let found = cog::File::read(&file).ok()?;
    let [mut found] = <[Record; 1]>::try_from(found.records).ok()?;
    if cog::validate_cog(&found).is_err() || !levels_fit(spec, &found) || !opened_fits(spec, source)
    {
        return None;
    }
    for level in &mut found.levels {
        // names and scales of the source; the catalogue knows better
        let tags = &mut level.image.tags;
        (tags.document_name, tags.date_time, tags.gdal_metadata) = (None, None, None);
    }
    TiledSource::new(Joined::of(file), found, super::document_name(record)).ok()
}

/// Whether the file lies on the target and marks the same holes.
fn opened_fits(spec: &ConsolidateSpec, source: &DatasetSource) -> bool {
    let Ok(opened) = Source::open(source) else {
        return false;
    };
    let (info, target) = (&opened.info, &spec.target);
    let holes = (info.no_data, Side::of(&spec.mapping.format).hole);
    let same_hole = match holes {
        (Some(found), Some(expected)) => found == expected || found.is_nan() && expected.is_nan(),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let terms = info.transform.0.iter().zip(&target.transform.0);
    info.size == target.size
        && info.bands == spec.bands
        && info.dtype == spec.mapping.format.dtype
        && same_hole
        && terms
            .into_iter()
            .all(|(found, expected)| (found - expected).abs() <= TRANSFORM_TOLERANCE)
        && info.crs.is_same(&target.crs)
}

/// Whether every level has the size, the blocks and the compression that would be written.
fn levels_fit(spec: &ConsolidateSpec, record: &Record) -> bool {
    let Size { width, height } = spec.target.size;
    let factors = spec.overview_factors();
    let sizes = std::iter::once(1)
        .chain(factors)
        .map(|factor| (width.div_ceil(factor), height.div_ceil(factor)));
    let found = record
        .levels
        .iter()
        .map(|level| (level.image.tags.width, level.image.tags.height));
    found.eq(sizes)
        && record.levels.iter().enumerate().all(|(at, level)| {
            level.masks.is_empty() && level.image.tiled && tags_fit(spec, &level.image.tags, at > 0)
        })
}

fn tags_fit(spec: &ConsolidateSpec, tags: &ImageTags, overview: bool) -> bool {
    const BLACK_IS_ZERO: u16 = 1;
    const RGB: u16 = 2;
    let option = |key: &str| {
        let own = overview.then(|| spec.creation_params.get(&format!("{key}_OVERVIEW")));
        own.flatten().or_else(|| spec.creation_params.get(key))
    };
    let Some(compression) = compression(option("COMPRESS").map_or("NONE", String::as_str)) else {
        return false;
    };
    let predictor = option("PREDICTOR").map_or(Ok(1), |value| value.parse());
    let colours = spec.mapping.format.dtype == DType::UInt8 && matches!(spec.bands, 3 | 4);
    tags.compression == compression
        && (compression == 1 || predictor == Ok(tags.predictor))
        && (tags.block_width, tags.block_height) == spec.block()
        && usize::from(tags.samples) == spec.bands
        && tags.planar == 1
        && (tags.photometric == BLACK_IS_ZERO || colours && tags.photometric == RGB)
        && tags.colour_map.is_empty()
        && tags.extra_samples.iter().all(|kind| *kind == 0)
}

/// Codes of the codecs that lose nothing whatever their other options.
fn compression(name: &str) -> Option<u16> {
    match name.to_ascii_uppercase().as_str() {
        "NONE" => Some(1),
        "LZW" => Some(5),
        "DEFLATE" => Some(8),
        "ZSTD" => Some(50000),
        _ => None,
    }
}
