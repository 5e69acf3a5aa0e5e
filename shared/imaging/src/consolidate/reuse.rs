//! Records that are a fitting file already: their tiles are copied as they are.

use super::{ConsolidateSpec, RecordSources, document_name, encoded::Bytes};
use crate::{cast::Side, source::Source, warp::whole_offset};
use cog::{ImageTags, Record, TiledSource};
use domain::{DType, Size};

/// The only dataset of a record and its images, when its file is what would be written: a cloud-optimised file of the
/// same grid, samples, mapping, blocks, overviews and lossless compression. Remote files are never taken: their tiles
/// would be asked for one by one.
pub(super) fn find(
    spec: &ConsolidateSpec,
    record: &RecordSources,
    opened: &Source,
) -> Option<TiledSource<Bytes>> {
    let [source] = record.sources.as_slice() else {
        return None;
    };
    let first_bands = source.bands.numbers().iter().copied().map(i64::from);
    let (options, validity) = (spec.file_options(), spec.validity());
    let plain = source.subdir.is_empty()
        && source.mapping == spec.mapping
        && spec.mapping.format.dtype != DType::Int8
        && first_bands.eq(1..=spec.bands as i64)
        && !(validity.alpha || validity.mask)
        && options.of_overviews("PHOTOMETRIC").is_none();
    if !plain {
        return None;
    }
    let (file, header) = opened.local()?;
    let [found] = header.records.as_slice() else {
        return None;
    };
    let fits = cog::validate_cog(found).is_ok() && levels_fit(spec, found) && lies_on(spec, opened);
    if !fits {
        return None;
    }
    let mut found = found.clone();
    for level in &mut found.levels {
        // names and scales of the source; the catalogue knows better
        let tags = &mut level.image.tags;
        (tags.document_name, tags.date_time, tags.gdal_metadata) = (None, None, None);
    }
    let file = Bytes::Source(file.clone());
    // what cannot be copied is made: files of the other byte order, tiles outside of the file
    TiledSource::new(file, found, document_name(record)).ok()
}

/// Whether the file lies on the target and marks the same holes.
fn lies_on(spec: &ConsolidateSpec, opened: &Source) -> bool {
    let (info, target) = (&opened.info, &spec.target);
    let holes = (info.no_data, Side::of(&spec.mapping.format).hole);
    let same_hole = match holes {
        (Some(found), Some(expected)) => found == expected || found.is_nan() && expected.is_nan(),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    info.size == target.size
        && info.bands == spec.bands
        && info.dtype == spec.mapping.format.dtype
        && same_hole
        && whole_offset(&info.transform, &target.transform) == Some((0, 0))
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
    const PIXEL: u16 = 1;
    const BAND: u16 = 2;
    let options = spec.file_options();
    let planar = if options.is_by_band() { BAND } else { PIXEL };
    let option = |key: &str| {
        if overview {
            options.of_overviews(key)
        } else {
            options.get(key)
        }
    };
    let Some(compression) = compression(option("COMPRESS").unwrap_or("NONE")) else {
        return false;
    };
    let predictor = option("PREDICTOR").map_or(Ok(1), str::parse);
    let colours = spec.mapping.format.dtype == DType::UInt8 && matches!(spec.bands, 3 | 4);
    tags.compression == compression
        && (compression == 1 || predictor == Ok(tags.predictor))
        && (tags.block_width, tags.block_height) == spec.block()
        && usize::from(tags.samples) == spec.bands
        && tags.planar == planar
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
