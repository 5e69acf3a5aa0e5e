use std::io;

/// Why a TIFF file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source failed to deliver bytes.
    #[error("reading {len} bytes at offset {offset}")]
    Read {
        /// First byte asked for.
        offset: u64,
        /// Number of bytes asked for.
        len: u64,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// A [`Prefetched`](crate::Prefetched) source lacks these bytes: fetch them, insert them, read again.
    #[error("bytes {offset}..{} have not been fetched yet", offset.saturating_add(*len))]
    NeedBytes {
        /// First missing byte.
        offset: u64,
        /// Number of bytes needed from there.
        len: u64,
    },
    /// The first bytes are not those of a TIFF file.
    #[error("not a TIFF file")]
    NotTiff,
    /// The structure contradicts itself or points outside of the file.
    #[error("corrupt TIFF: {0}")]
    Corrupt(String),
    /// A structure is larger than this reader is willing to hold.
    #[error("TIFF header exceeds the limit of {limit} {what}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The bytes of a block cannot be decoded.
    #[error("a block cannot be decoded")]
    Block(#[from] BlockError),
    /// Legal TIFF that this crate does not handle.
    #[error("unsupported TIFF: {0}")]
    Unsupported(String),
    /// A record does not fit with the first one of the file.
    #[error("record {record} ({name}): {why}")]
    Mismatch {
        /// Position of the record, from 0.
        record: usize,
        /// Its name.
        name: String,
        /// The property that differs and the expected value.
        why: String,
    },
    /// The description handed to the writer is inconsistent.
    #[error("invalid layout: {0}")]
    Layout(String),
    /// Classic TIFF was asked for and 32-bit offsets do not suffice.
    #[error("data would overflow tiff capacity, use bigtiff")]
    Overflow,
    /// The output could not be written.
    #[error("writing the TIFF file")]
    Write(#[source] io::Error),
    /// A tile source delivered another number of bytes than announced.
    #[error("tile {index} of record {record}, level {level}: {actual} bytes instead of {expected}")]
    TileLength {
        /// Record of the tile.
        record: usize,
        /// Level of the tile.
        level: usize,
        /// Index of the tile in its image.
        index: usize,
        /// Announced length.
        expected: u64,
        /// Delivered length.
        actual: u64,
    },
}

impl Error {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    /// True when the same call may succeed later: the bytes could not be fetched, which says nothing about the file.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::NeedBytes { .. } | Self::Write(_)
        )
    }
}

/// Why the bytes of one block could not be decoded or encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// TIFF compression code that is left to GDAL.
    #[error("unsupported compression {0}")]
    UnsupportedCompression(u16),
    /// Predictor that does not exist, or not for this sample type.
    #[error("unsupported predictor {predictor} for {bits}-bit samples")]
    UnsupportedPredictor {
        /// TIFF predictor code.
        predictor: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// Sample width that is not a whole number of bytes.
    #[error("unsupported sample width of {0} bits")]
    UnsupportedBits(u16),
    /// Block larger than [`MAX_BLOCK_BYTES`](crate::MAX_BLOCK_BYTES) once decoded.
    #[error("block of {width} x {height} pixels is too large")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The buffer does not have the size of the block.
    #[error("buffer of {actual} bytes for a block of {expected}")]
    BufferSize {
        /// Bytes of a decoded block.
        expected: usize,
        /// Bytes of the buffer.
        actual: usize,
    },
    /// The compressed stream is damaged, too short or too long.
    #[error("corrupt {codec} block: {why}")]
    Corrupt {
        /// Name of the codec.
        codec: &'static str,
        /// What the codec said.
        why: String,
    },
}

/// Why an interlacing pattern is refused. Its text names the levels R, B, Z and T.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("InterlacingPattern is incorrect: {why}")]
pub struct PatternError {
    pub(crate) why: String,
}
