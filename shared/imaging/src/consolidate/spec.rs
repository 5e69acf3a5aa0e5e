use crate::{Limits, Result, Target};
use domain::{
    DataMapping, DatasetSource, Error, FileOptions, Layout, RecordId, Resampling, Size, Validity,
};
use std::collections::BTreeMap;

/// What to write.
#[derive(Clone, Debug)]
pub struct ConsolidateSpec {
    /// The records, in the order of the file.
    pub records: Vec<RecordSources>,
    /// Grid of every record.
    pub target: Target,
    /// Encoding of the samples.
    pub mapping: DataMapping,
    /// Bands of every record, without the alpha band that lossy encodings may get.
    pub bands: usize,
    /// Width and height of the tiles, multiples of 16; 0 for 256.
    pub block_size: (u32, u32),
    /// Overviews are made until width and height are at most this; 0 for none, -1 for 256.
    pub overviews_min_size: i32,
    /// Physical order of the tiles, see [`cog::InterlacingPattern`].
    pub interlacing_pattern: String,
    /// Kernel of the warp.
    pub resampling: Resampling,
    /// Kernel of the overviews.
    pub overview_resampling: Resampling,
    /// Creation options; those with the suffix `_OVERVIEW` are for the overviews.
    pub creation_params: BTreeMap<String, String>,
    /// Level that a `ZSTD_LEVEL` between 0 and 1 stands for, 1 to 22.
    pub zstd_level: u8,
    /// Bounds on memory, for each worker.
    pub limits: Limits,
}

/// The datasets of one record.
#[derive(Clone, Debug)]
pub struct RecordSources {
    /// Its id, which names the image in the file.
    pub id: RecordId,
    /// Its datasets, the later one on top. Without any, the record is written empty.
    pub sources: Vec<DatasetSource>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Length of the file.
    pub bytes: u64,
    /// Records without a single valid pixel.
    pub empty_records: usize,
    /// Whether an alpha band follows the bands of each record.
    pub alpha: bool,
}

const DEFAULT_BLOCK: u32 = 256;
const DEFAULT_OVERVIEWS_MIN_SIZE: u32 = 256;

impl ConsolidateSpec {
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |text: String| Err(Error::invalid(text).into());
        if self.records.is_empty() {
            return invalid("records: expected at least one".to_owned());
        }
        if self.bands == 0 || self.bands > 65_534 {
            return invalid(format!("bands: {}, expected 1 to 65534", self.bands));
        }
        for record in &self.records {
            let wrong = |source: &&DatasetSource| source.bands.count() != self.bands;
            if let Some(source) = record.sources.iter().find(wrong) {
                return invalid(format!(
                    "bands of {}: {}, expected {}",
                    source.uri,
                    source.bands.count(),
                    self.bands
                ));
            }
        }
        let (width, height) = self.block();
        if let Err(expected) = Layout::check_block(width, height) {
            return invalid(format!("block size: {width}x{height}, expected {expected}"));
        }
        if self.overviews_min_size < -1 {
            return invalid(format!(
                "overviews_min_size: {}, expected -1, 0 or a positive number",
                self.overviews_min_size
            ));
        }
        if !(1..=22).contains(&self.zstd_level) {
            return invalid(format!("zstd level: {}, expected 1 to 22", self.zstd_level));
        }
        Ok(())
    }

    /// Width and height of the tiles.
    pub(super) fn block(&self) -> (u32, u32) {
        let side = |side| if side == 0 { DEFAULT_BLOCK } else { side };
        (side(self.block_size.0), side(self.block_size.1))
    }

    /// The creation options, as far as such files can have them.
    pub(super) fn file_options(&self) -> FileOptions {
        let dtype = self.mapping.format.dtype;
        FileOptions::of(&self.creation_params, dtype, self.bands, self.zstd_level)
    }

    /// Where the files say which pixels hold data.
    pub(super) fn validity(&self) -> Validity {
        let options = self.file_options();
        options.validity(&self.mapping.format, self.bands)
    }

    /// Encoding of the samples in the files. With an alpha band or a mask there is no hole marker: none for
    /// integers, NaN for floating numbers.
    pub(super) fn output_mapping(&self) -> DataMapping {
        let Validity { alpha, mask } = self.validity();
        let mut mapping = self.mapping;
        if alpha || mask {
            mapping.format.no_data = f64::NAN;
        }
        mapping
    }

    /// Size of an overview.
    pub(super) fn level_size(&self, factor: u32) -> Size {
        let Size { width, height } = self.target.size;
        Size {
            width: width.div_ceil(factor),
            height: height.div_ceil(factor),
        }
    }

    /// Factors of the overviews.
    pub(super) fn overview_factors(&self) -> Vec<u32> {
        let min_size = u32::try_from(self.overviews_min_size).unwrap_or(DEFAULT_OVERVIEWS_MIN_SIZE);
        cog::overview_factors(self.target.size.width, self.target.size.height, min_size)
    }
}
