use crate::{Error, GeoTags, ImageTags, MASK, REDUCED};

/// One record to write.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordLayout {
    /// Full resolution first, then the overviews from the largest to the smallest.
    pub levels: Vec<LevelLayout>,
    /// Column and row of the first tile of the full resolution in the tile grid common to the records of the file.
    pub first_tile: (u32, u32),
}

/// An image of one resolution and its masks.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelLayout {
    /// The image.
    pub image: ImageLayout,
    /// Its masks, on the same blocks.
    pub masks: Vec<ImageLayout>,
}

/// One tiled image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageLayout {
    /// What its directory says. The writer sets `subfile_type`, and drops the georeferencing and the name of
    /// overviews and masks.
    pub tags: ImageTags,
    /// Bytes of each encoded tile in the order of TIFF (plane after plane, row after row), 0 for a sparse tile.
    pub lengths: Vec<u64>,
}

impl RecordLayout {
    /// Refuses what would give an unreadable file.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.levels.is_empty() {
            return refuse("a record has no level");
        }
        for level in &self.levels {
            level.image.check()?;
            let blocks =
                |image: &ImageLayout| (image.tags.blocks_across(), image.tags.blocks_down());
            for mask in &level.masks {
                mask.check()?;
                if blocks(mask) != blocks(&level.image) || mask.tags.planes() != 1 {
                    return refuse("a mask has other blocks than its image");
                }
            }
        }
        Ok(())
    }
}

impl ImageLayout {
    fn check(&self) -> Result<(), Error> {
        let tags = &self.tags;
        let (width, height) = (tags.block_width, tags.block_height);
        if tags.width == 0 || tags.height == 0 || tags.samples == 0 {
            return refuse("an image has size zero");
        }
        let legal = |size: u32| size > 0 && size.is_multiple_of(16) && u16::try_from(size).is_ok();
        if !legal(width) || !legal(height) {
            return refuse(format!(
                "tiles of {width} x {height}, expected multiples of 16 below 65536"
            ));
        }
        if self.lengths.len() as u64 != tags.block_count() {
            let (found, expected) = (self.lengths.len(), tags.block_count());
            return refuse(format!("{found} tile lengths, expected {expected}"));
        }
        if self.lengths.iter().any(|len| *len > u64::from(u32::MAX)) {
            return refuse("a tile is longer than 4 GiB");
        }
        let samples = usize::from(tags.samples);
        if tags.bits_per_sample.len() != samples || tags.sample_format.len() != samples {
            return refuse(format!(
                "bits and formats are expected for each of {samples} samples"
            ));
        }
        Ok(())
    }
}

/// The tags as written at a place of the file.
pub(super) fn tags_at(tags: &ImageTags, level: usize, mask: bool) -> ImageTags {
    let mut tags = tags.clone();
    tags.subfile_type = if level > 0 { REDUCED } else { 0 } | if mask { MASK } else { 0 };
    if tags.subfile_type != 0 {
        tags.geo = GeoTags::default();
        tags.document_name = None;
    }
    tags
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Layout(why.into()))
}
