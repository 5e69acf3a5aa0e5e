//! What a caller asks of a cube, and what the cube says of itself first.

use super::{CubeSelection, PayloadCompression};
use domain::{DataFormat, Error, GeoTransform, InstanceId, Resampling, Result};

/// Form of the pixels of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageFormat {
    /// Rows top to bottom, bands interleaved by pixel, little endian.
    #[default]
    Raw,
    /// A GeoTIFF file.
    GTiff,
}

/// A request of a cube.
#[derive(Clone, Debug, PartialEq)]
pub struct CubeRequest {
    /// The records, grouped into slices.
    pub selection: CubeSelection,
    /// Instances of one variable, at least one.
    pub instances: Vec<InstanceId>,
    /// Reference system of the output, as the caller wrote it.
    pub crs: String,
    /// Pixel grid of the output.
    pub transform: GeoTransform,
    /// Width and height of the output in pixels, not checked yet.
    pub size: (i64, i64),
    /// Compression of the payloads.
    pub compression: PayloadCompression,
    /// Whether the images themselves are left out.
    pub headers_only: bool,
    /// Form of the pixels.
    pub format: ImageFormat,
    /// Kernel; that of the variable when absent.
    pub resampling: Option<Resampling>,
}

impl CubeRequest {
    /// Refuses a list of groups that begins without any record.
    pub(crate) fn check_selection(&self) -> Result<()> {
        match &self.selection {
            CubeSelection::Groups(groups) if groups.first().is_none_or(Vec::is_empty) => {
                Err(Error::invalid("At least one record must be provided"))
            }
            CubeSelection::Groups(_) | CubeSelection::Filters(_) => Ok(()),
        }
    }
}

/// What a cube says before its first image.
#[derive(Clone, Debug, PartialEq)]
pub struct CubeHeader {
    /// Number of slices, those that turn out to be empty included.
    pub slices: u64,
    /// Number of datasets; one that is in two slices counts once.
    pub datasets: u64,
    /// Format of the pixels.
    pub format: DataFormat,
    /// Kernel that is used.
    pub resampling: Resampling,
}
