use crate::{BlockError, ByteOrder, Image, encode::code};

/// Most bytes of one decoded block: 8192² pixels of 8 bytes.
pub const MAX_BLOCK_BYTES: usize = 512 << 20;

/// Shape of the samples of one block and how they are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockFormat {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Samples of a pixel stored together: 1 when planes are apart.
    pub samples: u16,
    /// Bits of a sample, both parts of a complex one included: 8, 16, 32, 64 or 128.
    pub bits: u16,
    /// True when a sample is a pair of numbers of half its bits.
    pub complex: bool,
    /// TIFF compression code.
    pub compression: u16,
    /// TIFF predictor code.
    pub predictor: u16,
    /// Order of the bytes of encoded numbers. Decoded ones are in the order of the machine.
    pub byte_order: ByteOrder,
}

impl BlockFormat {
    /// Bytes of a sample.
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.bits / 8)
    }

    /// Bytes of a row of samples.
    pub fn row_bytes(&self) -> usize {
        // 2^32 * 2^16 * 2^4 fits in 64 bits.
        self.width as usize * usize::from(self.samples) * self.sample_bytes()
    }

    /// Bytes of the decoded block, which are also those of an uncompressed one.
    ///
    /// # Errors
    /// Sample widths that are not handled, blocks above [`MAX_BLOCK_BYTES`].
    pub fn decoded_bytes(&self) -> Result<usize, BlockError> {
        if !matches!(self.bits, 8 | 16 | 32 | 64 | 128) {
            return Err(BlockError::UnsupportedBits(self.bits));
        }
        let len = self.row_bytes().checked_mul(self.height as usize);
        len.filter(|len| *len <= MAX_BLOCK_BYTES)
            .ok_or(BlockError::TooLarge {
                width: self.width,
                height: self.height,
            })
    }

    /// Whether the bytes of the file are other than the samples, their order aside.
    pub fn is_compressed(&self) -> bool {
        self.compression != code::NONE
    }

    /// Bytes of a number: a sample, or one part of a complex sample.
    pub(crate) fn number_bytes(&self) -> usize {
        if self.complex {
            self.sample_bytes() / 2
        } else {
            self.sample_bytes()
        }
    }
}

impl Image {
    /// Format of the blocks in row `y` of blocks.
    ///
    /// # Errors
    /// [`BlockError::UnsupportedBits`] when the samples of a pixel have different widths.
    pub fn block_format(&self, y: u32) -> Result<BlockFormat, BlockError> {
        let tags = &self.tags;
        let bits = tags.bits_per_sample.first().copied().unwrap_or(1);
        if let Some(other) = tags.bits_per_sample.iter().find(|other| **other != bits) {
            return Err(BlockError::UnsupportedBits(*other));
        }
        Ok(BlockFormat {
            width: tags.block_width,
            height: self.block_rows(y),
            samples: if tags.planes() == 1 { tags.samples } else { 1 },
            bits,
            complex: matches!(tags.sample_format.first(), Some(5 | 6)),
            compression: tags.compression,
            predictor: tags.predictor,
            byte_order: self.byte_order,
        })
    }
}
