//! What the new files of a job have in common.

use crate::{
    ConsolidationParams, DataMapping, DatasetSource, Error, Layout, NewVariable, Resampling,
    Result, StorageClass,
};
use std::collections::BTreeMap;

/// What the new files of a job have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Encoding of the samples.
    pub mapping: DataMapping,
    /// Number of bands.
    pub bands_count: u16,
    /// Largest number of records in one file, at least 1.
    pub max_records: usize,
    /// Width of the blocks, in pixels.
    pub block_x_size: u32,
    /// Height of the blocks, in pixels.
    pub block_y_size: u32,
    /// Order of the blocks, in the letters of the orders.
    pub interlacing_pattern: String,
    /// Side of the smallest overview: 0 for no overview, -1 for 256.
    pub overviews_min_size: i32,
    /// Kernel of the warp.
    pub resampling: Resampling,
    /// Creation options.
    pub creation_params: BTreeMap<String, String>,
    /// Class of the objects.
    pub storage_class: StorageClass,
}

impl Target {
    /// The target of a job: parameters of its own, variable of its instance, layout.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the mapping breaks its rules or the variable has too many bands.
    pub fn try_new(
        params: &ConsolidationParams,
        variable: &NewVariable,
        layout: &Layout,
    ) -> Result<Self> {
        let bands = variable.bands.len();
        let bands_count = u16::try_from(bands)
            .ok()
            .filter(|count| (1..=i16::MAX as u16).contains(count))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "Variable.bands: {bands} bands, expected 1 to {}",
                    i16::MAX
                ))
            })?;
        Ok(Self {
            mapping: params.mapping(&variable.format)?,
            bands_count,
            max_records: (layout.max_records as usize).max(1),
            block_x_size: layout.block_x_size,
            block_y_size: layout.block_y_size,
            interlacing_pattern: order_letters(&layout.interlacing_pattern),
            overviews_min_size: layout.overviews_min_size,
            resampling: params.resampling,
            creation_params: params.creation_params.clone(),
            storage_class: params.storage_class,
        })
    }

    /// Whether a dataset of a former consolidation is as it would be written today.
    pub(super) fn fits(&self, source: &DatasetSource) -> bool {
        let largest = source.bands.numbers().iter().max();
        source.mapping == self.mapping
            && largest.is_some_and(|band| i32::from(*band) <= i32::from(self.bands_count))
    }
}

/// Layouts say R for records, B for bands and Z for zoom levels; orders say I for images, P for planes and L for levels.
fn order_letters(pattern: &str) -> String {
    pattern
        .chars()
        .map(|letter| match letter {
            'R' => 'I',
            'B' => 'P',
            'Z' => 'L',
            other => other,
        })
        .collect()
}

/// Number of overviews of a file: halvings until both sides are at most `min_size`. None when
/// `min_size` is 0; -1 stands for 256.
pub fn overviews_count(width: u32, height: u32, min_size: i32) -> usize {
    let min_size = match min_size {
        0 => return 0,
        ..0 => 256,
        1.. => min_size as u32,
    };
    let mut side = width.max(height);
    let mut count = 0;
    while side > min_size {
        side /= 2;
        count += 1;
    }
    count
}
