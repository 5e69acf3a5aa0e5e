use crate::{Image, Record};

/// Images up to this size may have blocks of any shape.
const SMALL_IMAGE: u32 = 512;
/// Longest block that may span a larger image.
const MAX_SPANNING_BLOCK: u32 = 1024;

/// Why an image is not cloud-optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCog {
    /// Blocks span the whole width or height of a large image.
    #[error("level {level} has blocks of {width} x {height} pixels that span the image")]
    SpanningBlocks {
        /// Level of the image.
        level: usize,
        /// Width of its blocks.
        width: u32,
        /// Height of its blocks.
        height: u32,
    },
    /// An overview is not smaller than the level before.
    #[error("overview {level} is not smaller than the level before")]
    OverviewSize {
        /// Level of the overview.
        level: usize,
    },
    /// The directory of an overview precedes that of the level before.
    #[error("the directory of overview {level} precedes that of the level before")]
    DirectoryOrder {
        /// Level of the overview.
        level: usize,
    },
    /// The pixels of a level precede a directory: a reader has to search the file for them.
    #[error("pixels precede the directory of an overview")]
    DataBeforeDirectory,
}

/// Checks that a reader over a network finds all directories first and blocks of a reasonable shape.
///
/// # Errors
/// The first rule that the record breaks.
pub fn validate_cog(record: &Record) -> Result<(), NotCog> {
    for (level, found) in record.levels.iter().enumerate() {
        blocks(level, &found.image)?;
    }
    for (at, pair) in record.levels.windows(2).enumerate() {
        let (larger, smaller) = (&pair[0].image, &pair[1].image);
        let level = at + 1;
        if smaller.tags.width > larger.tags.width
            || smaller.tags.height > larger.tags.height
            || (smaller.tags.width, smaller.tags.height) == (larger.tags.width, larger.tags.height)
        {
            return Err(NotCog::OverviewSize { level });
        }
        if smaller.ifd_offset <= larger.ifd_offset {
            return Err(NotCog::DirectoryOrder { level });
        }
    }
    let last_directory = record
        .levels
        .iter()
        .map(|level| level.image.ifd_offset)
        .max();
    for level in &record.levels {
        let first = level.image.blocks.iter().find(|block| !block.is_sparse());
        if first.is_some_and(|block| Some(block.offset) < last_directory) {
            return Err(NotCog::DataBeforeDirectory);
        }
    }
    Ok(())
}

fn blocks(level: usize, image: &Image) -> Result<(), NotCog> {
    let tags = &image.tags;
    let spans = |block: u32, size: u32| block >= size && block > MAX_SPANNING_BLOCK;
    let large = tags.width > SMALL_IMAGE || tags.height > SMALL_IMAGE;
    if large && (spans(tags.block_width, tags.width) || spans(tags.block_height, tags.height)) {
        let (width, height) = (tags.block_width, tags.block_height);
        return Err(NotCog::SpanningBlocks {
            level,
            width,
            height,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, ByteOrder, ImageTags, Level};

    fn level(size: u32, block: u32, ifd_offset: u64, data: u64) -> Level {
        let image = Image {
            ifd_offset,
            byte_order: ByteOrder::Little,
            tiled: true,
            tags: ImageTags::new(size, size, block, block, 8),
            blocks: vec![
                Block::default(),
                Block {
                    offset: data,
                    len: 10,
                },
            ],
        };
        Level {
            image,
            masks: Vec::new(),
        }
    }

    #[test]
    fn the_first_broken_rule_is_told() {
        let cases = [
            (
                vec![level(2048, 256, 8, 5000), level(1024, 256, 200, 900)],
                Ok(()),
            ),
            // a single block is fine in a small image
            (vec![level(512, 2048, 8, 5000)], Ok(())),
            (
                vec![level(2000, 2048, 8, 5000)],
                Err(NotCog::SpanningBlocks {
                    level: 0,
                    width: 2048,
                    height: 2048,
                }),
            ),
            (
                vec![level(2048, 256, 8, 5000), level(2048, 256, 200, 900)],
                Err(NotCog::OverviewSize { level: 1 }),
            ),
            (
                vec![level(2048, 256, 300, 5000), level(1024, 256, 200, 900)],
                Err(NotCog::DirectoryOrder { level: 1 }),
            ),
            (
                vec![level(2048, 256, 8, 5000), level(1024, 256, 6000, 7000)],
                Err(NotCog::DataBeforeDirectory),
            ),
            (
                vec![level(2048, 256, 8, 5000), level(1024, 256, 200, 150)],
                Err(NotCog::DataBeforeDirectory),
            ),
        ];
        for (levels, expected) in cases {
            assert_eq!(validate_cog(&Record { levels }), expected);
        }
    }
}
