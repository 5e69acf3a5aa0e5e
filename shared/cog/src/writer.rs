mod cog;
mod directory;
mod field;
mod form;
mod layout;
mod mucog;
mod output;
#[cfg(test)]
mod tests;

use std::io::Write;

pub use cog::write_cog;
pub use layout::{ImageLayout, LevelLayout, RecordLayout};
pub use mucog::write_mucog;

pub(crate) use mucog::level_shape;

use crate::Error;

/// Width of the offsets of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Offsets {
    /// Classic TIFF when the file fits in 4 GiB, `BigTIFF` otherwise.
    #[default]
    Auto,
    /// 32 bits; [`Error::Overflow`] when they do not suffice.
    Classic,
    /// 64 bits: `BigTIFF`.
    Big,
}

/// A tile of the file being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodedTile {
    /// Index of the record.
    pub record: usize,
    /// Index of the level in the record.
    pub level: usize,
    /// Index of the mask in the level; none for the image itself.
    pub mask: Option<usize>,
    /// Index of the tile in [`ImageLayout::lengths`].
    pub index: usize,
}

/// Gives the encoded bytes of tiles, one at a time.
pub trait TileSource {
    /// Writes exactly the announced number of bytes of a tile. Sparse tiles are never asked for.
    ///
    /// # Errors
    /// Those of reading; [`Error::Write`] when `out` refuses.
    fn copy_tile(&mut self, tile: EncodedTile, out: &mut dyn Write) -> Result<(), Error>;
}

/// Source of a file whose tiles are all sparse.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTiles;

impl TileSource for NoTiles {
    fn copy_tile(&mut self, _: EncodedTile, _: &mut dyn Write) -> Result<(), Error> {
        Ok(())
    }
}

/// Tries the widths of offsets that the choice allows.
fn with_form<T>(
    offsets: Offsets,
    attempt: impl Fn(form::Form) -> Result<T, Error>,
) -> Result<T, Error> {
    match offsets {
        Offsets::Classic => attempt(form::Form::Classic),
        Offsets::Big => attempt(form::Form::Big),
        Offsets::Auto => match attempt(form::Form::Classic) {
            Err(Error::Overflow) => attempt(form::Form::Big),
            other => other,
        },
    }
}
