#[cfg(test)]
mod tests;

use weezl::{BitOrder, LzwStatus};

use crate::{BlockError, BlockFormat, ByteOrder, encode::code, predictor};

/// Decodes blocks, keeping the memory of its codecs from one to the next.
///
/// No compression, deflate, LZW and ZSTD with predictors 1, 2 and 3 are handled; LERC, JPEG, `WebP` and the others
/// are GDAL's.
#[derive(Default)]
pub struct Decoder {
    deflate: Option<libdeflater::Decompressor>,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl Decoder {
    /// A decoder that has allocated nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// True when blocks of this format can be decoded here.
    pub fn supports(format: &BlockFormat) -> bool {
        check(format).is_ok()
    }

    /// The samples of a block, row by row, in the byte order of the machine. All of a tile is returned, what lies
    /// outside of the image included.
    ///
    /// # Errors
    /// Formats that are not handled, sizes above the bound, damaged bytes.
    pub fn decode(&mut self, format: &BlockFormat, encoded: &[u8]) -> Result<Vec<u8>, BlockError> {
        check(format)?;
        let mut samples = vec![0; format.decoded_bytes()?];
        self.decode_into(format, encoded, &mut samples)?;
        Ok(samples)
    }

    /// As [`Decoder::decode`], into a buffer of exactly [`BlockFormat::decoded_bytes`].
    ///
    /// # Errors
    /// As [`Decoder::decode`]; [`BlockError::BufferSize`] for another buffer. It is then unspecified.
    pub fn decode_into(
        &mut self,
        format: &BlockFormat,
        encoded: &[u8],
        samples: &mut [u8],
    ) -> Result<(), BlockError> {
        check(format)?;
        let expected = format.decoded_bytes()?;
        if samples.len() != expected {
            return Err(BlockError::BufferSize {
                expected,
                actual: samples.len(),
            });
        }
        match format.compression {
            code::NONE => uncompressed(encoded, samples)?,
            code::LZW => lzw(encoded, samples)?,
            code::ZSTD => self.zstd(encoded, samples)?,
            _ => self.deflate(encoded, samples)?,
        }
        if !predictor::orders_bytes(format) {
            to_native(format, samples);
        }
        predictor::undo(format, samples);
        Ok(())
    }

    fn deflate(&mut self, encoded: &[u8], samples: &mut [u8]) -> Result<(), BlockError> {
        let context = self
            .deflate
            .get_or_insert_with(libdeflater::Decompressor::new);
        let written = context
            .zlib_decompress(encoded, samples)
            .map_err(|error| corrupt("deflate", error.to_string()))?;
        complete("deflate", written, samples.len())
    }

    fn zstd(&mut self, encoded: &[u8], samples: &mut [u8]) -> Result<(), BlockError> {
        let failed = |error: std::io::Error| corrupt("ZSTD", error.to_string());
        let context = match &mut self.zstd {
            Some(context) => context,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(failed)?),
        };
        let written = context
            .decompress_to_buffer(encoded, samples)
            .map_err(failed)?;
        complete("ZSTD", written, samples.len())
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

fn check(format: &BlockFormat) -> Result<(), BlockError> {
    match format.compression {
        code::NONE | code::LZW | code::DEFLATE | code::OLD_DEFLATE | code::ZSTD => {}
        other => return Err(BlockError::UnsupportedCompression(other)),
    }
    format.decoded_bytes()?;
    predictor::check(format)
}

fn uncompressed(encoded: &[u8], samples: &mut [u8]) -> Result<(), BlockError> {
    complete(
        "uncompressed",
        encoded.len().min(samples.len()),
        samples.len(),
    )?;
    samples.copy_from_slice(&encoded[..samples.len()]);
    Ok(())
}

fn lzw(encoded: &[u8], samples: &mut [u8]) -> Result<(), BlockError> {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let (mut read, mut written) = (0, 0);
    while written < samples.len() {
        let step = decoder.decode_bytes(&encoded[read..], &mut samples[written..]);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(corrupt("LZW", error.to_string())),
        }
    }
    complete("LZW", written, samples.len())
}

fn complete(codec: &'static str, written: usize, expected: usize) -> Result<(), BlockError> {
    if written == expected {
        return Ok(());
    }
    Err(corrupt(
        codec,
        format!("{written} bytes, expected {expected}"),
    ))
}

fn corrupt(codec: &'static str, why: String) -> BlockError {
    BlockError::Corrupt { codec, why }
}

/// Numbers from the byte order of the file to that of the machine.
fn to_native(format: &BlockFormat, samples: &mut [u8]) {
    let native = if cfg!(target_endian = "little") {
        ByteOrder::Little
    } else {
        ByteOrder::Big
    };
    if format.byte_order != native && format.number_bytes() > 1 {
        samples
            .chunks_exact_mut(format.number_bytes())
            .for_each(<[u8]>::reverse);
    }
}
