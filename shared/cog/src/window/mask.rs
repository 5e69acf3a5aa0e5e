use super::{Piece, Window, WindowReader, pieces};
use crate::{Error, Image, ReadAt};

/// What a window of a validity mask is made of, as [`pieces`] tells it of samples.
///
/// # Errors
/// As [`pieces`]; [`Error::Unsupported`] for masks of other than 1 or 8 bits.
pub fn mask_pieces(mask: &Image, window: Window) -> Result<Vec<Piece>, Error> {
    match mask.tags.bits_per_sample.as_slice() {
        [8] => pieces(mask, &[0], window),
        [1] => pieces(&packed(mask)?, &[0], packed_window(window)),
        other => Err(Error::Unsupported(format!("a mask of {other:?} bits"))),
    }
}

impl WindowReader {
    /// Reads a window of a validity mask, one byte per pixel: 0 where there is no data. Masks of one bit per pixel
    /// become 0 and 255.
    ///
    /// # Errors
    /// As [`WindowReader::read`]; [`Error::Unsupported`] for masks of other than 1 or 8 bits.
    pub fn read_mask<R: ReadAt + ?Sized>(
        &mut self,
        source: &R,
        mask: &Image,
        window: Window,
        out: &mut [u8],
    ) -> Result<(), Error> {
        match mask.tags.bits_per_sample.as_slice() {
            [8] => return self.read(source, mask, &[0], window, &[0], out),
            [1] => {}
            other => return Err(Error::Unsupported(format!("a mask of {other:?} bits"))),
        }
        let (image, bytes) = (packed(mask)?, packed_window(window));
        let mut bits = vec![0; bytes.pixels()];
        self.read(source, &image, &[0], bytes, &[0], &mut bits)?;
        let (rows, width) = (
            bits.chunks_exact(bytes.width as usize),
            window.width as usize,
        );
        let skip = window.x as usize % 8;
        for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
            for (at, pixel) in (skip..).zip(out) {
                *pixel = if row[at / 8] & (0x80 >> (at % 8)) == 0 {
                    0
                } else {
                    255
                };
            }
        }
        Ok(())
    }
}

/// The same mask, eight pixels of a row in each sample.
fn packed(mask: &Image) -> Result<Image, Error> {
    let mut image = mask.clone();
    let tags = &mut image.tags;
    if !tags.block_width.is_multiple_of(8) && tags.blocks_across() > 1 || tags.predictor != 1 {
        return Err(Error::Unsupported("a mask that splits bytes".to_owned()));
    }
    tags.bits_per_sample = vec![8];
    tags.width = tags.width.div_ceil(8);
    tags.block_width = tags.block_width.div_ceil(8);
    Ok(image)
}

fn packed_window(window: Window) -> Window {
    let x = window.x / 8;
    Window {
        x,
        width: window.x.saturating_add(window.width).div_ceil(8) - x,
        ..window
    }
}
