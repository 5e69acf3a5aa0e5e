use proptest::prelude::*;

use super::*;
use crate::{Codec, Encoder};

fn format(bits: u16, samples: u16, codec: Codec, predictor: u16) -> BlockFormat {
    let mut format = BlockFormat::little_endian(7, 5, samples, bits);
    (format.compression, format.predictor) = (codec.code(), predictor);
    format
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        bits in prop::sample::select(vec![8_u16, 16, 32, 64, 128]),
        samples in 1..5_u16,
        codec in prop::sample::select(vec![Codec::None, Codec::Lzw, Codec::Deflate(1), Codec::Deflate(12), Codec::Zstd(1), Codec::Zstd(19)]),
        predictor in 1..4_u16,
        complex in any::<bool>(),
        data in prop::collection::vec(any::<u8>(), 7 * 5 * 4 * 16),
    ) {
        let mut format = format(bits, samples, codec, predictor);
        format.complex = complex && bits > 8;
        let samples = &data[..format.decoded_bytes().unwrap()];
        let mut encoder = Encoder::new(codec).unwrap();
        let mut encoded = vec![1, 2, 3];
        match encoder.encode(&format, samples, &mut encoded) {
            Ok(()) => {
                prop_assert!(Decoder::supports(&format));
                prop_assert_eq!(Decoder::new().decode(&format, &encoded).unwrap(), samples);
                // The memory of the codec carries nothing over.
                let mut again = Vec::new();
                encoder.encode(&format, samples, &mut again).unwrap();
                prop_assert_eq!(again, encoded);
            }
            Err(error) => {
                prop_assert!(!Decoder::supports(&format));
                let refused = matches!(error, BlockError::UnsupportedPredictor { .. });
                prop_assert!(refused, "{}", error);
            }
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(
        compression in prop::sample::select(vec![1_u16, 5, 8, 32946, 50000]),
        predictor in 1..4_u16,
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut format = BlockFormat::little_endian(7, 5, 1, 32);
        (format.compression, format.predictor) = (compression, predictor);
        let _ = Decoder::new().decode(&format, &data);
    }

    #[test]
    fn damaged_blocks_are_decoded_or_refused(
        codec in prop::sample::select(vec![Codec::Lzw, Codec::Zstd(3), Codec::Deflate(6)]),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let format = format(16, 2, codec, 2);
        let samples = (0..140).collect::<Vec<u8>>();
        let mut encoded = Vec::new();
        Encoder::new(codec).unwrap().encode(&format, &samples, &mut encoded).unwrap();
        // LZW ends with a code of its own: up to 12 bits, and those that fill the last byte
        let end = if codec == Codec::Lzw { 2 } else { 0 };
        let cut = cut.index(encoded.len() - end);
        prop_assert!(Decoder::new().decode(&format, &encoded[..cut]).is_err());
        let at = at.index(encoded.len());
        encoded[at] = value;
        let _ = Decoder::new().decode(&format, &encoded);
    }
}

#[test]
fn huge_and_odd_blocks_are_refused_before_memory_is_taken() {
    let huge = BlockFormat::little_endian(u32::MAX, u32::MAX, u16::MAX, 64);
    assert!(matches!(
        Decoder::new().decode(&huge, &[]),
        Err(BlockError::TooLarge { .. })
    ));
    for bits in [0, 1, 12, 24, u16::MAX] {
        let odd = BlockFormat::little_endian(16, 16, 1, bits);
        assert_eq!(
            Decoder::new().decode(&odd, &[]),
            Err(BlockError::UnsupportedBits(bits))
        );
    }
}

#[test]
fn a_block_longer_than_its_pixels_is_corrupt() {
    let long = format(8, 4, Codec::Zstd(1), 1);
    let mut encoded = Vec::new();
    Encoder::new(Codec::Zstd(1))
        .unwrap()
        .encode(&long, &[7; 140], &mut encoded)
        .unwrap();
    let short = format(8, 1, Codec::Zstd(1), 1);
    assert!(matches!(
        Decoder::new().decode(&short, &encoded),
        Err(BlockError::Corrupt { codec: "ZSTD", .. })
    ));
    let wrong = Encoder::new(Codec::None)
        .unwrap()
        .encode(&long, &[7; 140], &mut encoded);
    assert_eq!(wrong, Err(BlockError::UnsupportedCompression(50000)));
    let wrong = Encoder::new(Codec::Zstd(1))
        .unwrap()
        .encode(&long, &[7; 139], &mut encoded);
    assert_eq!(
        wrong,
        Err(BlockError::BufferSize {
            expected: 140,
            actual: 139
        })
    );
}

#[test]
fn codecs_move_between_threads() {
    fn movable<T: Send>(_: &T) {}
    movable(&Decoder::new());
    movable(&Encoder::new(Codec::Zstd(1)).unwrap());
}
