#[cfg(test)]
mod tests;

use crate::{ByteOrder, Error, GeoTags, Ifd, ImageTags, ReadAt, header::Reader, tags};

/// Key of the raster type (area or point) in the geo key directory.
const RASTER_TYPE_KEY: u16 = 1025;
const RASTER_PIXEL_IS_POINT: u16 = 2;

/// One image of a file: what its directory says and where its blocks are.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Where its directory starts.
    pub ifd_offset: u64,
    /// Order of the bytes of its samples.
    pub byte_order: ByteOrder,
    /// True for tiles, false for strips.
    pub tiled: bool,
    /// What its directory says.
    pub tags: ImageTags,
    /// Its blocks in the order of TIFF: plane after plane, row after row.
    pub blocks: Vec<Block>,
}

/// Place of the encoded bytes of one tile or strip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Block {
    /// Offset in the file.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

impl Block {
    /// True when nothing is stored: all its pixels are nodata, or 0 without a nodata value.
    pub fn is_sparse(&self) -> bool {
        self.offset == 0 || self.len == 0
    }

    /// First offset after the block.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

impl Image {
    /// The block of a plane at a column and row of blocks; nothing outside of the image.
    pub fn block(&self, plane: u32, x: u32, y: u32) -> Option<Block> {
        self.blocks
            .get(self.tags.block_index(plane, x, y)?)
            .copied()
    }

    /// Rows of pixels stored in the blocks of row `y`: the last strip of an image may be shorter.
    pub fn block_rows(&self, y: u32) -> u32 {
        let below = self
            .tags
            .height
            .saturating_sub(y.saturating_mul(self.tags.block_height));
        if self.tiled {
            self.tags.block_height
        } else {
            below.min(self.tags.block_height)
        }
    }

    /// Affine transform of pixel to world coordinates in GDAL's order, for the outer corner of pixels:
    /// `x = t[0] + column * t[1] + row * t[2]`, `y = t[3] + column * t[4] + row * t[5]`.
    pub fn geo_transform(&self) -> Option<[f64; 6]> {
        self.tags.geo.transform()
    }

    /// Bytes of memory that it takes, about.
    pub(crate) fn bytes_held(&self) -> usize {
        size_of::<Self>() + size_of::<Block>() * self.blocks.len() + self.tags.bytes_held()
    }

    pub(crate) fn read<R: ReadAt + ?Sized>(
        reader: &Reader<'_, R>,
        ifd: &Ifd,
    ) -> Result<Self, Error> {
        let tags = ImageTags::read(reader, ifd)?;
        let tiled = ifd.entry(tags::TILE_WIDTH).is_some();
        let (offsets, lengths) = if tiled {
            (tags::TILE_OFFSETS, tags::TILE_BYTE_COUNTS)
        } else {
            (tags::STRIP_OFFSETS, tags::STRIP_BYTE_COUNTS)
        };
        let numbers = |tag| match ifd.entry(tag) {
            Some(entry) => reader.u64s(entry),
            None => Err(Error::corrupt(format!("tag {tag} is missing"))),
        };
        let (offsets, lengths) = (numbers(offsets)?, numbers(lengths)?);
        let expected = tags.block_count();
        if offsets.len() as u64 != expected || lengths.len() as u64 != expected {
            let (offsets, lengths) = (offsets.len(), lengths.len());
            return Err(Error::corrupt(format!(
                "{offsets} offsets and {lengths} lengths for {expected} blocks"
            )));
        }
        let blocks = offsets
            .into_iter()
            .zip(lengths)
            .map(|(offset, len)| Block { offset, len });
        Ok(Self {
            ifd_offset: ifd.offset,
            byte_order: reader.byte_order(),
            tiled,
            tags,
            blocks: blocks.collect(),
        })
    }
}

impl GeoTags {
    /// See [`Image::geo_transform`]. Nothing when the tags are absent or not finite.
    pub fn transform(&self) -> Option<[f64; 6]> {
        let mut transform = self.raw_transform()?;
        if self.key(RASTER_TYPE_KEY) == Some(RASTER_PIXEL_IS_POINT) {
            // The tie is on the centre of the pixel.
            transform[0] -= 0.5 * (transform[1] + transform[2]);
            transform[3] -= 0.5 * (transform[4] + transform[5]);
        }
        transform
            .iter()
            .all(|term| term.is_finite())
            .then_some(transform)
    }

    fn raw_transform(&self) -> Option<[f64; 6]> {
        if let ([scale_x, scale_y, ..], [column, row, _, x, y, ..]) =
            (self.pixel_scale.as_slice(), self.tiepoints.as_slice())
        {
            return Some([
                x - column * scale_x,
                *scale_x,
                0.0,
                y + row * scale_y,
                0.0,
                -scale_y,
            ]);
        }
        let [a, b, _, x, d, e, _, y, ..] = self.transformation.as_slice() else {
            return None;
        };
        Some([*x, *a, *b, *y, *d, *e])
    }

    /// Value of a geo key that is stored in the directory itself.
    pub fn key(&self, key: u16) -> Option<u16> {
        let entries = self.keys.get(4..)?.chunks_exact(4);
        entries
            .into_iter()
            .find(|entry| entry[0] == key && entry[1] == 0)
            .map(|entry| entry[3])
    }
}
