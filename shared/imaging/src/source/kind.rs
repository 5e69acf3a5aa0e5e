//! What GDAL says of datasets that are alike: asked once for each kind of file instead of once for each file.

use super::{Source, mask::Mask, tiff::Tiff};
use crate::{Crs, lru::Lru};
use cog::Image;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Kinds of files kept.
const KEPT: usize = 256;

/// Longest texts of a file that are kept to compare others with, in bytes.
const LONGEST: usize = 16 << 10;

/// What a dataset is besides its samples, its size and its place.
#[derive(Clone)]
pub(super) struct Kind {
    pub(super) crs: Crs,
    pub(super) mask: Mask,
    pub(super) no_data: Option<f64>,
}

/// Who reads a kind of files.
#[derive(Clone)]
pub(super) enum Verdict {
    /// This crate, as both views of such a file agree.
    Direct(Kind),
    /// GDAL alone.
    Library,
}

/// The tags that decide on the [`Kind`] of a dataset, and those by which its files could be read otherwise.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Signature {
    samples: Vec<u16>,
    bits: Vec<u16>,
    formats: Vec<u16>,
    /// Number of samples, compression, predictor, photometric interpretation, planar configuration.
    encoding: [u16; 5],
    /// Width of tiles, nothing for strips, which are as wide as their image; height of both. GDAL cuts high strips.
    block: (Option<u32>, u32),
    extra_samples: Vec<u16>,
    no_data: Option<String>,
    metadata: String,
    geo_keys: Vec<u16>,
    geo_doubles: Vec<u64>,
    geo_ascii: Option<String>,
    geo_matrix: bool,
    overviews: bool,
    /// Samples and bits of the masks.
    masks: Vec<(u16, Vec<u16>)>,
}

static KINDS: LazyLock<Mutex<Lru<Signature, Verdict>>> =
    LazyLock::new(|| Mutex::new(Lru::new(KEPT)));

/// What is known of a kind.
pub(super) fn known(signature: &Signature) -> Option<Verdict> {
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    kinds.get(signature).cloned()
}

/// Compares both views of a file and keeps what comes of it for the files that are alike.
pub(super) fn learn(signature: Signature, tiff: &Tiff, library: &Source) -> Verdict {
    let verdict = agreed(tiff, library).map_or(Verdict::Library, Verdict::Direct);
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    kinds.insert(signature, verdict.clone());
    verdict
}

fn agreed(tiff: &Tiff, library: &Source) -> Option<Kind> {
    let (info, main) = (&library.info, tiff.record().main());
    let block = (
        main.tags.block_width as usize,
        main.tags.block_height as usize,
    );
    let same = info.size == tiff.size
        && info.transform == tiff.transform
        && info.dtype == tiff.dtype
        && info.bands == usize::from(main.tags.samples)
        && info.block == block
        && library.overviews == tiff.overviews;
    let masked = match library.mask {
        Mask::None => true,
        Mask::PerDataset { lossy } => !lossy && tiff.record().levels[0].masks.len() == 1,
        Mask::Alpha { lossy, .. } => !lossy,
        Mask::PerBand => false,
    };
    (same && masked).then(|| Kind {
        crs: info.crs.clone(),
        mask: library.mask,
        no_data: info.no_data,
    })
}

impl Signature {
    /// `None` for files with unusually long texts.
    pub(super) fn of(tiff: &Tiff) -> Option<Self> {
        let level = &tiff.record().levels[0];
        let (image, geo) = (&level.image, &level.image.tags.geo);
        let tags = &image.tags;
        let mask = |mask: &Image| (mask.tags.samples, mask.tags.bits_per_sample.clone());
        let metadata = telling(tags.gdal_metadata.as_deref().unwrap_or_default());
        let long = metadata.len()
            + geo.ascii.as_ref().map_or(0, String::len)
            + 2 * geo.keys.len()
            + 8 * geo.doubles.len()
            + 6 * tags.bits_per_sample.len();
        (long <= LONGEST).then(|| Self {
            samples: tiff.samples().to_vec(),
            bits: tags.bits_per_sample.clone(),
            formats: tags.sample_format.clone(),
            encoding: [
                tags.samples,
                tags.compression,
                tags.predictor,
                tags.photometric,
                tags.planar,
            ],
            block: (image.tiled.then_some(tags.block_width), tags.block_height),
            extra_samples: tags.extra_samples.clone(),
            no_data: tags.nodata.clone(),
            metadata,
            geo_keys: geo.keys.clone(),
            geo_doubles: geo.doubles.iter().map(|number| number.to_bits()).collect(),
            geo_ascii: geo.ascii.clone(),
            geo_matrix: !geo.transformation.is_empty(),
            overviews: tiff.record().levels.len() > 1,
            masks: level.masks.iter().map(mask).collect(),
        })
    }
}

/// The items of GDAL's metadata that change how samples are read. The others, such as statistics, differ from file to
/// file.
fn telling(metadata: &str) -> String {
    let tells = |item: &&str| {
        let item = item.to_ascii_lowercase();
        item.contains("role") || item.contains("domain")
    };
    metadata.split("<Item").filter(tells).collect()
}

#[cfg(test)]
mod tests {
    use super::telling;

    #[test]
    fn statistics_do_not_make_a_kind_of_their_own() {
        let metadata = "<GDALMetadata>\n  <Item name=\"STATISTICS_MAXIMUM\" sample=\"0\">255</Item>\n  <Item name=\"COLORINTERP\" sample=\"1\" role=\"colorinterp\">Alpha</Item>\n</GDALMetadata>";
        let kept = telling(metadata);
        assert!(kept.contains("Alpha") && !kept.contains("255"), "{kept}");
        assert_eq!(telling(""), "");
    }
}
