//! Layouts: how an area is cut into files, and how a file is organised inside.

use crate::{Error, Result, check_name};
use std::collections::BTreeMap;

/// Largest side of an internal block, in pixels.
const MAX_BLOCK_SIZE: u32 = 32_768;

/// Most pixels of an internal block: 4096 × 4096, held some times over while it is encoded or read.
const MAX_BLOCK_PIXELS: u64 = 1 << 24;

/// Layout of consolidated files.
///
/// The interlacing pattern and the grid parameters are texts here: their grammars belong to the
/// writer of files and to [`crate::grid`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Unique name; any text for an inline layout.
    pub name: String,
    /// Flags of the grid.
    pub grid_flags: Vec<String>,
    /// Parameters of the grid.
    pub grid_parameters: BTreeMap<String, String>,
    /// Width of the internal blocks, in pixels.
    pub block_x_size: u32,
    /// Height of the internal blocks, in pixels.
    pub block_y_size: u32,
    /// Largest number of records in one file.
    pub max_records: u32,
    /// Side of the smallest overview, in pixels; 0 for no overview, -1 for 256.
    pub overviews_min_size: i32,
    /// Physical order of records, bands, zoom levels and tiles.
    pub interlacing_pattern: String,
}

impl Layout {
    /// Checks the name of a stored layout.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field.
    pub fn check_name(&self) -> Result<()> {
        check_name("Layout.name", &self.name)
    }

    /// Checks that the blocks are such as files can have.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the fields.
    pub fn check_blocks(&self) -> Result<()> {
        let (width, height) = (self.block_x_size, self.block_y_size);
        Self::check_block(width, height).map_err(|expected| {
            Error::invalid(format!(
                "block_x_size and block_y_size: {width} and {height}, expected {expected}"
            ))
        })
    }

    /// Checks the sides of a block, in pixels.
    ///
    /// # Errors
    /// What is expected of them.
    pub fn check_block(width: u32, height: u32) -> std::result::Result<(), String> {
        let fits = |side: u32| side > 0 && side.is_multiple_of(16) && side <= MAX_BLOCK_SIZE;
        if !(fits(width) && fits(height)) {
            return Err(format!("multiples of 16 up to {MAX_BLOCK_SIZE}"));
        }
        if u64::from(width) * u64::from(height) > MAX_BLOCK_PIXELS {
            return Err(format!("at most {MAX_BLOCK_PIXELS} pixels in a block"));
        }
        Ok(())
    }

    /// Reads a positive size that fits the database.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the `field`.
    pub fn positive(field: &str, value: i64) -> Result<u32> {
        i32::try_from(value)
            .ok()
            .filter(|value| *value > 0)
            .map(|value| value as u32)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "{field} must be positive and at most {}, found {value}",
                    i32::MAX
                ))
            })
    }

    /// Reads the side of the smallest overview.
    ///
    /// # Errors
    /// [`Error::Invalid`] below -1 or above 2^31 - 1.
    pub fn min_overview(value: i64) -> Result<i32> {
        i32::try_from(value)
            .ok()
            .filter(|value| *value >= -1)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "overviewsMinSize must be -1 (256), 0 (none) or positive, found {value}"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn blocks_have_sides_of_16_and_a_bounded_area() {
        for (sides, expected) in [
            ((16, 16), None),
            ((4096, 4096), None),
            ((32_768, 512), None),
            ((0, 16), Some("multiples of 16 up to 32768")),
            ((16, 24), Some("multiples of 16 up to 32768")),
            ((32_784, 16), Some("multiples of 16 up to 32768")),
            ((4096, 4112), Some("at most 16777216 pixels in a block")),
            ((32_768, 528), Some("at most 16777216 pixels in a block")),
            ((32_768, 32_768), Some("at most 16777216 pixels in a block")),
        ] {
            let refused = Layout::check_block(sides.0, sides.1).err();
            assert_eq!(refused.as_deref(), expected, "{sides:?}");
        }
    }
}
