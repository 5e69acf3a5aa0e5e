use crate::{BlockError, BlockFormat, ByteOrder, predictor};
use weezl::BitOrder;

/// TIFF compression codes handled here.
pub(crate) mod code {
    pub const NONE: u16 = 1;
    pub const LZW: u16 = 5;
    pub const DEFLATE: u16 = 8;
    pub const OLD_DEFLATE: u16 = 32946;
    pub const ZSTD: u16 = 50000;
}

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// LZW, in the form of TIFF.
    Lzw,
    /// Deflate, level 0 to 12.
    Deflate(u8),
    /// ZSTD, level 1 to 22.
    Zstd(u8),
}

impl Codec {
    /// Its TIFF compression code.
    pub fn code(self) -> u16 {
        match self {
            Self::None => code::NONE,
            Self::Lzw => code::LZW,
            Self::Deflate(_) => code::DEFLATE,
            Self::Zstd(_) => code::ZSTD,
        }
    }
}

/// Encodes blocks, keeping the memory of its codec from one to the next. Numbers are written little-endian.
pub struct Encoder {
    codec: Codec,
    context: Context,
    /// Samples after the predictor.
    scratch: Vec<u8>,
}

enum Context {
    None,
    Lzw(weezl::encode::Encoder),
    Deflate(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Encoder {
    /// An encoder of one codec. Levels outside of the range of the codec are moved into it.
    ///
    /// # Errors
    /// When the codec cannot allocate its memory.
    pub fn new(codec: Codec) -> Result<Self, BlockError> {
        let context = match codec {
            Codec::None => Context::None,
            Codec::Lzw => {
                let context = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
                Context::Lzw(context)
            }
            Codec::Deflate(level) => {
                let level = libdeflater::CompressionLvl::new(i32::from(level.min(12)))
                    .map_err(|error| corrupt("deflate", format!("{error:?}")))?;
                Context::Deflate(libdeflater::Compressor::new(level))
            }
            Codec::Zstd(level) => {
                let context = zstd::bulk::Compressor::new(i32::from(level.clamp(1, 22)));
                Context::Zstd(context.map_err(|error| corrupt("ZSTD", error.to_string()))?)
            }
        };
        Ok(Self {
            codec,
            context,
            scratch: Vec::new(),
        })
    }

    /// True when blocks of this format can be encoded here.
    pub fn supports(format: &BlockFormat) -> bool {
        let coded = matches!(
            format.compression,
            code::NONE | code::LZW | code::DEFLATE | code::ZSTD
        );
        coded && predictor::check(format).is_ok() && format.decoded_bytes().is_ok()
    }

    /// Encodes the samples of a block, in the byte order of the machine, replacing the contents of `encoded`.
    /// `format.compression` is that of the encoder, `format.byte_order` little-endian.
    ///
    /// # Errors
    /// Formats that are not handled, [`BlockError::BufferSize`] unless `samples` has
    /// [`BlockFormat::decoded_bytes`].
    pub fn encode(
        &mut self,
        format: &BlockFormat,
        samples: &[u8],
        encoded: &mut Vec<u8>,
    ) -> Result<(), BlockError> {
        if format.compression != self.codec.code() {
            return Err(BlockError::UnsupportedCompression(format.compression));
        }
        predictor::check(format)?;
        let expected = format.decoded_bytes()?;
        if samples.len() != expected {
            return Err(BlockError::BufferSize {
                expected,
                actual: samples.len(),
            });
        }
        let plain = format.predictor == 1 && (cfg!(target_endian = "little") || format.bits == 8);
        if !plain {
            predictor::apply(format, samples, &mut self.scratch);
            if !predictor::orders_bytes(format) {
                to_little(format, &mut self.scratch);
            }
        }
        let source = if plain { samples } else { &self.scratch };
        self.context.compress(source, encoded)
    }
}

impl Context {
    fn compress(&mut self, source: &[u8], encoded: &mut Vec<u8>) -> Result<(), BlockError> {
        encoded.clear();
        match self {
            Self::None => encoded.extend_from_slice(source),
            Self::Lzw(context) => {
                context.reset();
                let done = context.into_vec(encoded).encode_all(source).status;
                done.map_err(|error| corrupt("LZW", error.to_string()))?;
            }
            Self::Deflate(context) => {
                encoded.resize(context.zlib_compress_bound(source.len()), 0);
                let written = context
                    .zlib_compress(source, encoded)
                    .map_err(|error| corrupt("deflate", error.to_string()))?;
                encoded.truncate(written);
            }
            Self::Zstd(context) => {
                encoded.reserve(zstd::zstd_safe::compress_bound(source.len()));
                context
                    .compress_to_buffer(source, encoded)
                    .map_err(|error| corrupt("ZSTD", error.to_string()))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

impl BlockFormat {
    /// Pixel-interleaved or single-plane real samples to be encoded for a new file.
    pub fn little_endian(width: u32, height: u32, samples: u16, bits: u16) -> Self {
        Self {
            width,
            height,
            samples,
            bits,
            complex: false,
            compression: code::NONE,
            predictor: 1,
            byte_order: ByteOrder::Little,
        }
    }
}

fn corrupt(codec: &'static str, why: String) -> BlockError {
    BlockError::Corrupt { codec, why }
}

/// Numbers from the byte order of the machine to little-endian.
fn to_little(format: &BlockFormat, samples: &mut [u8]) {
    if cfg!(target_endian = "big") && format.number_bytes() > 1 {
        samples
            .chunks_exact_mut(format.number_bytes())
            .for_each(<[u8]>::reverse);
    }
}
