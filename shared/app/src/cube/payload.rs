//! Bytes of one image on the wire: compression and parts.

use bytes::Bytes;
use domain::{Error, Result};
use libdeflater::{CompressionLvl, Compressor};

/// Bytes of one part before compression: the number of parts that a header announces is counted
/// with it.
pub const PART_BYTES: usize = 512 * 1024;

/// How the payload of an image is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadCompression {
    /// Not at all.
    None,
    /// One raw DEFLATE stream (RFC 1951); level of libdeflate.
    Deflate(i32),
}

impl PayloadCompression {
    /// Reads a compression level of the contract: -3 none, -2 Huffman codes only, -1 default,
    /// 0 stored blocks, 1 fastest to 9 best.
    ///
    /// # Errors
    /// [`Error::Invalid`] outside [-3, 9].
    pub fn from_level(level: i32) -> Result<Self> {
        match level {
            -3 => Ok(Self::None),
            // libdeflate has no strategy without matches: its fastest level is nearest in cost
            -2 => Ok(Self::Deflate(1)),
            -1 => Ok(Self::Deflate(6)),
            0..=9 => Ok(Self::Deflate(level)),
            _ => Err(Error::invalid(format!(
                "CompressionLevel must be in [-3, 9], found {level}"
            ))),
        }
    }
}

/// Payload of one image, cut into parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Bytes before compression.
    pub size: u64,
    /// Whether the parts form a DEFLATE stream.
    pub compressed: bool,
    /// Parts that the header announces, the one within the header included.
    pub announced_parts: usize,
    /// The parts that are not empty, at most as many as announced.
    pub parts: Vec<Bytes>,
}

impl Payload {
    /// Compresses and cuts an image. CPU-bound: call it on a blocking thread.
    pub fn new(image: Vec<u8>, compression: PayloadCompression, part_bytes: usize) -> Self {
        let size = image.len();
        let announced_parts = size.div_ceil(part_bytes);
        let (data, compressed) = match compression {
            PayloadCompression::None => (Bytes::from(image), false),
            PayloadCompression::Deflate(level) => (Bytes::from(deflate(&image, level)), true),
        };
        // stored blocks are a little longer than the image: the parts grow rather than their number
        let length = part_bytes.max(data.len().div_ceil(announced_parts.max(1)));
        let parts = (0..data.len())
            .step_by(length)
            .map(|at| data.slice(at..data.len().min(at + length)))
            .collect();
        Self {
            size: size as u64,
            compressed,
            announced_parts,
            parts,
        }
    }

    /// Bytes that the payload takes in memory.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// Number of the parts after which an image ends on the wire: padding with empty parts up to
    /// the announced number, or with a single one for clients that stop at the first empty part.
    pub fn parts_on_the_wire(&self, stop_at_first_empty: bool) -> usize {
        if stop_at_first_empty {
            self.announced_parts.min(self.parts.len() + 1)
        } else {
            self.announced_parts
        }
    }
}

fn deflate(image: &[u8], level: i32) -> Vec<u8> {
    let level = CompressionLvl::new(level).unwrap_or_default();
    let mut compressor = Compressor::new(level);
    let mut data = vec![0; compressor.deflate_compress_bound(image.len())];
    let length = compressor
        .deflate_compress(image, &mut data)
        .expect("the buffer has the size that the library asks for");
    data.truncate(length);
    data.shrink_to_fit();
    data
}

#[cfg(test)]
mod tests {
    use super::{PART_BYTES, Payload, PayloadCompression};
    use proptest::prelude::*;
    use std::io::Read;

    fn inflate(payload: &Payload) -> Vec<u8> {
        let stream = payload.parts.concat();
        let mut image = Vec::new();
        flate2::read::DeflateDecoder::new(stream.as_slice())
            .read_to_end(&mut image)
            .unwrap();
        image
    }

    #[test]
    fn parts_are_counted_before_compression() {
        for (size, part_bytes, parts) in [
            (65_536, PART_BYTES, 1),
            (1_048_576, PART_BYTES, 2),
            (1_048_576, 2 * PART_BYTES, 1),
            (525_312, PART_BYTES, 2),
            (525_312, 2 * PART_BYTES, 1),
            (6_000_000, PART_BYTES, 12),
            (6_000_000, 2 * PART_BYTES, 6),
        ] {
            let payload = Payload::new(vec![0; size], PayloadCompression::None, part_bytes);
            assert_eq!(
                (payload.announced_parts, payload.parts.len()),
                (parts, parts)
            );
            assert_eq!(payload.size, size as u64);
        }
    }

    #[test]
    fn an_empty_tail_is_padded_as_the_client_expects() {
        let payload = Payload::new(
            vec![0; 6_000_000],
            PayloadCompression::Deflate(6),
            PART_BYTES,
        );
        assert_eq!(payload.parts.len(), 1);
        assert_eq!(payload.parts_on_the_wire(false), 12);
        assert_eq!(payload.parts_on_the_wire(true), 2);
    }

    #[test]
    fn levels_outside_the_contract_are_refused() {
        for level in [-4, 10, i32::MAX, i32::MIN] {
            let text = PayloadCompression::from_level(level)
                .unwrap_err()
                .to_string();
            assert!(
                text.starts_with("CompressionLevel must be in [-3, 9]"),
                "{text}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_level_inflates_to_the_image_in_the_announced_parts(
            seed in any::<u64>(), length in 1_usize..40_000, level in -3_i32..=9,
        ) {
            let mut state = seed | 1;
            let noise = |_| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (state >> 56) as u8 };
            let image: Vec<u8> = (0..length).map(noise).collect();
            let payload = Payload::new(image.clone(), PayloadCompression::from_level(level).unwrap(), 1024);
            prop_assert!(payload.parts.len() <= payload.announced_parts);
            prop_assert!(payload.parts.iter().all(|part| !part.is_empty() && part.len() < 1024 + 64));
            let data = if payload.compressed { inflate(&payload) } else { payload.parts.concat() };
            prop_assert!(data == image);
        }
    }
}
