//! Windows of pixels: what they are made of, and reading them.

mod copy;
mod mask;
mod piece;
mod reader;

pub use mask::mask_pieces;
pub use piece::{Piece, pieces};
pub use reader::WindowReader;

/// A rectangle of pixels of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Window {
    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }
}

#[cfg(test)]
mod tests;
