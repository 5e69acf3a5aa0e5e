use super::Window;
use crate::{Block, BlockError, BlockFormat, ByteOrder, Error, Image, ImageTags, encode::code};

/// Bytes that an encoded block may have beyond twice its decoded ones.
const ENCODED_SLACK: u64 = 1 << 16;

/// Most bytes of rows without compression that are read together, when one row has fewer.
const ROWS_BYTES: u64 = 4 << 20;

/// Most pieces of one window: a million tiles are of a file that was made to be slow.
const MAX_PIECES: usize = 1 << 20;

/// A part of a window, and the bytes of the file that hold it.
///
/// Compressed blocks are read whole. Of blocks without compression only the rows that are needed are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// What to read; nothing when the block is sparse.
    pub bytes: Block,
    /// How these bytes are encoded.
    pub format: BlockFormat,
    /// Index of its sample when planes are stored apart, else 0.
    pub plane: u32,
    /// Column and row of its first pixel among the decoded ones.
    pub from: (u32, u32),
    /// Column and row of its first pixel in the window.
    pub to: (u32, u32),
    /// Columns and rows.
    pub size: (u32, u32),
}

/// What a window of some samples (from 0) of an image is made of, row of blocks after row of blocks.
///
/// The pieces of many images of one file can be planned together: hand the bytes of all of them to
/// [`plan_ranges`](crate::plan_ranges).
///
/// # Errors
/// [`Error::Corrupt`] for a window or sample outside of the image and for blocks that contradict their format,
/// [`Error::Unsupported`] for what only other readers handle, windows of more than a million blocks among it, [`Error::Block`] for formats that cannot be decoded.
pub fn pieces(image: &Image, samples: &[u16], window: Window) -> Result<Vec<Piece>, Error> {
    check(&image.tags, samples, window)?;
    let tags = &image.tags;
    let mut planes: Vec<u32> = match tags.planes() {
        1 => vec![0],
        _ => samples.iter().map(|sample| u32::from(*sample)).collect(),
    };
    planes.sort_unstable();
    planes.dedup();
    let mut found = Vec::new();
    for y in blocks(window.y, window.height, tags.block_height) {
        let format = image.block_format(y)?;
        if !crate::Decoder::supports(&format) {
            return Err(BlockError::UnsupportedCompression(format.compression).into());
        }
        for x in blocks(window.x, window.width, tags.block_width) {
            let part = Part::of(tags, window, (x, y));
            for plane in &planes {
                let outside = || Error::corrupt("a block is missing");
                let block = image.block(*plane, x, y).ok_or_else(outside)?;
                part.pieces(block, format, *plane, &mut found)?;
                if found.len() > MAX_PIECES {
                    let text = format!("a window of more than {MAX_PIECES} blocks");
                    return Err(Error::Unsupported(text));
                }
            }
        }
    }
    Ok(found)
}

fn check(tags: &ImageTags, samples: &[u16], window: Window) -> Result<(), Error> {
    let inside = |start: u32, length: u32, end: u32| {
        length > 0 && start.checked_add(length).is_some_and(|last| last <= end)
    };
    if !inside(window.x, window.width, tags.width) || !inside(window.y, window.height, tags.height)
    {
        let (width, height) = (tags.width, tags.height);
        return Err(Error::corrupt(format!(
            "{window:?} lies outside of {width} x {height} pixels"
        )));
    }
    if samples.is_empty() || samples.iter().any(|sample| *sample >= tags.samples) {
        return Err(Error::corrupt(format!(
            "samples {samples:?} of {} in a pixel",
            tags.samples
        )));
    }
    if tags.fill_order != 1 {
        return Err(Error::Unsupported(
            "bits from the lowest one of a byte".to_owned(),
        ));
    }
    if tags.compression == code::NONE && tags.predictor != 1 {
        // Readers differ: most ignore the predictor.
        return Err(Error::Unsupported(
            "a predictor without compression".to_owned(),
        ));
    }
    Ok(())
}

/// Columns or rows of blocks.
fn blocks(start: u32, length: u32, block: u32) -> std::ops::RangeInclusive<u32> {
    start / block..=(start + (length - 1)) / block
}

/// What a window needs of one block.
struct Part {
    from: (u32, u32),
    to: (u32, u32),
    size: (u32, u32),
}

impl Part {
    fn of(tags: &ImageTags, window: Window, (x, y): (u32, u32)) -> Self {
        // The start of a block that holds a pixel of the image fits in 32 bits; its end may not.
        let axis = |block: u32, size: u32, start: u32, length: u32| {
            let block_start = block * size;
            let first = block_start.max(start);
            let last = block_start
                .saturating_add(size - 1)
                .min(start + (length - 1));
            (first - block_start, first - start, last - first + 1)
        };
        let (from_x, to_x, width) = axis(x, tags.block_width, window.x, window.width);
        let (from_y, to_y, height) = axis(y, tags.block_height, window.y, window.height);
        Self {
            from: (from_x, from_y),
            to: (to_x, to_y),
            size: (width, height),
        }
    }

    fn pieces(
        &self,
        block: Block,
        format: BlockFormat,
        plane: u32,
        found: &mut Vec<Piece>,
    ) -> Result<(), Error> {
        if (block.offset == 0) != (block.len == 0) {
            return Err(Error::corrupt("a block with a place but no length"));
        }
        let whole = Piece {
            bytes: block,
            format,
            plane,
            from: self.from,
            to: self.to,
            size: self.size,
        };
        if block.is_sparse() {
            found.push(whole);
            return Ok(());
        }
        let decoded = format.decoded_bytes()? as u64;
        if format.is_compressed() {
            if block.len > 2 * decoded + ENCODED_SLACK {
                return Err(Error::corrupt(format!(
                    "{} bytes encode {decoded}",
                    block.len
                )));
            }
            found.push(whole);
            return Ok(());
        }
        if block.len < decoded {
            return Err(Error::corrupt(format!(
                "{} bytes in place of {decoded}",
                block.len
            )));
        }
        self.rows(&whole, found);
        Ok(())
    }

    /// The rows of a block without compression: some together when they are whole, else one by one.
    fn rows(&self, whole: &Piece, found: &mut Vec<Piece>) {
        let format = whole.format;
        let pixel = (format.row_bytes() / format.width as usize) as u64;
        let together = if self.size.0 == format.width {
            (ROWS_BYTES / (format.row_bytes() as u64).max(1)).max(1)
        } else {
            1
        };
        let together = u32::try_from(together).unwrap_or(u32::MAX);
        for row in (0..self.size.1).step_by(together as usize) {
            let rows = together.min(self.size.1 - row);
            let before = u64::from(self.from.1 + row) * u64::from(format.width);
            found.push(Piece {
                bytes: Block {
                    offset: whole
                        .bytes
                        .offset
                        .saturating_add((before + u64::from(self.from.0)) * pixel),
                    len: u64::from(rows) * u64::from(self.size.0) * pixel,
                },
                format: BlockFormat {
                    width: self.size.0,
                    height: rows,
                    ..format
                },
                plane: whole.plane,
                from: (0, 0),
                to: (self.to.0, self.to.1 + row),
                size: (self.size.0, rows),
            });
        }
    }
}

impl Piece {
    /// Bytes that reading it takes at most, besides the window: as they are stored, and once decoded.
    pub(super) fn needed_bytes(&self) -> Result<u64, BlockError> {
        if self.bytes.is_sparse() {
            return Ok(0);
        }
        Ok(self.bytes.len.max(self.format.decoded_bytes()? as u64))
    }

    /// Whether the bytes of the file are the samples.
    pub(super) fn is_plain(&self) -> bool {
        let native = if cfg!(target_endian = "little") {
            ByteOrder::Little
        } else {
            ByteOrder::Big
        };
        !self.format.is_compressed()
            && (self.format.byte_order == native || self.format.number_bytes() == 1)
    }
}
