//! How the tiles of every record are encoded without GDAL.

use super::{ConsolidateSpec, options, overviews::kernel_name, strips, template};
use crate::{
    Result,
    cast::Side,
    sample::{Sample, with_sample},
};
use cog::{BlockFormat, Codec, Encoder};
use domain::Resampling;
use std::ops::Range;

/// The same for every record of a file.
#[derive(Debug)]
pub(super) struct Plan {
    /// Full resolution first, then the overviews.
    pub(super) levels: Vec<LevelPlan>,
    /// Records are merged by strips of a multiple of these rows.
    pub(super) unit: u32,
    /// A sample that need not be stored.
    pub(super) hole: Vec<u8>,
}

/// One level of every record.
#[derive(Debug)]
pub(super) struct LevelPlan {
    /// What its directory says; no tile is stored yet.
    pub(super) image: cog::Image,
    pub(super) format: BlockFormat,
    pub(super) codec: Codec,
}

impl Plan {
    /// `None` where only GDAL writes such files.
    pub(super) fn of(spec: &ConsolidateSpec) -> Result<Option<Self>> {
        let validity = spec.validity();
        if validity.alpha || validity.mask {
            return Ok(None);
        }
        let Some(unit) = unit(spec) else {
            return Ok(None);
        };
        let levels = template::images(spec)?
            .into_iter()
            .enumerate()
            .map(|(at, image)| LevelPlan::of(spec, image, at > 0));
        let Some(levels) = levels.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let side = Side::of(&spec.mapping.format);
        let mut hole = vec![0; side.dtype.size()];
        with_sample!(side.dtype, S => {
            S::from_f64(side.hole.unwrap_or_default()).store(&mut hole);
        }, undefined => ());
        Ok(Some(Self { levels, unit, hole }))
    }
}

impl LevelPlan {
    fn of(spec: &ConsolidateSpec, image: cog::Image, overview: bool) -> Option<Self> {
        let tags = &image.tags;
        let codec = options::codec(spec, tags.compression, overview)?;
        let format = image.block_format(0).ok()?;
        let as_asked = (tags.block_width, tags.block_height) == spec.block()
            && usize::from(tags.samples) == spec.bands
            && format.sample_bytes() == spec.mapping.format.dtype.size();
        (as_asked && Encoder::supports(&format)).then_some(Self {
            image,
            format,
            codec,
        })
    }

    /// Bands whose samples are in the tiles of a plane.
    pub(super) fn bands_of(&self, plane: u32) -> Range<usize> {
        let bands = usize::from(self.format.samples);
        let first = plane as usize * bands;
        first..first + bands
    }
}

/// Rows of the smallest strip whose overviews are those of the whole record; `None` where it takes more memory than a
/// record may.
fn unit(spec: &ConsolidateSpec) -> Option<u32> {
    let ((_, block), height) = (spec.block(), spec.target.size.height);
    let halvings = spec.overview_factors().len() as u32;
    if halvings == 0 || picks_pixels(spec.overview_resampling) {
        return Some(block);
    }
    let local = matches!(
        spec.overview_resampling,
        Resampling::Average | Resampling::Mode
    );
    let missing = halvings.saturating_sub(block.trailing_zeros());
    if local && height.trailing_zeros() >= halvings && block.leading_zeros() > missing {
        let unit = block << missing;
        if missing == 0 || strips::fits(spec, unit) {
            return Some(unit);
        }
    }
    strips::fits(spec, height).then_some(height)
}

/// Kernels that build overviews of the nearest pixels.
pub(super) fn picks_pixels(kernel: Resampling) -> bool {
    kernel_name(kernel) == "NEAREST"
}
