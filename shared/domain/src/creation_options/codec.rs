use crate::DType;
use std::ops::RangeInclusive;

/// How the blocks of files may be compressed, by what it asks of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Bytes are bytes.
    Plain,
    /// Numbers within an error.
    Lerc,
    /// Pictures of unsigned bytes.
    Jpeg,
    /// Pictures in three colours of unsigned bytes, and their opacity.
    Webp,
}

/// Most components of a picture.
pub(super) const JPEG_BANDS: usize = 4;

const NAMES: [(&str, Codec); 11] = [
    ("NONE", Codec::Plain),
    ("LZW", Codec::Plain),
    ("PACKBITS", Codec::Plain),
    ("DEFLATE", Codec::Plain),
    ("LZMA", Codec::Plain),
    ("ZSTD", Codec::Plain),
    ("LERC", Codec::Lerc),
    ("LERC_DEFLATE", Codec::Lerc),
    ("LERC_ZSTD", Codec::Lerc),
    ("JPEG", Codec::Jpeg),
    ("WEBP", Codec::Webp),
];

impl Codec {
    pub(super) fn names() -> [&'static str; NAMES.len()] {
        NAMES.map(|(name, _)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut names = NAMES.into_iter();
        names
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, codec)| codec)
    }

    /// Whether samples of a type can be ordered in this codec. In place of JPEG, signed bytes get a codec of their own.
    pub(super) fn takes(self, dtype: DType) -> bool {
        match self {
            Self::Plain => true,
            Self::Lerc => dtype != DType::Complex64,
            Self::Jpeg => matches!(dtype, DType::UInt8 | DType::Int8),
            Self::Webp => dtype == DType::UInt8,
        }
    }

    /// How many bands a variable can have; what needs room besides is [`Validity`]'s affair.
    ///
    /// [`Validity`]: super::Validity
    pub(super) fn bands(self) -> RangeInclusive<usize> {
        match self {
            Self::Plain | Self::Lerc => 1..=usize::MAX,
            Self::Jpeg => 1..=JPEG_BANDS,
            // a fourth one is opacity, and colours behind transparent pixels are not kept
            Self::Webp => 3..=3,
        }
    }
}
