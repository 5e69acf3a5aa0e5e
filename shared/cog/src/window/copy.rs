//! Samples of a block into a window whose bands lie one after the other.

use super::{Piece, Window};

/// Where the samples of a piece go.
pub(super) struct Bands<'a> {
    /// Wanted samples, from 0, in the order of the bands.
    pub(super) samples: &'a [u16],
    /// Whether the planes of the file hold one sample each.
    pub(super) apart: bool,
    pub(super) window: Window,
    /// All the bands, one after the other.
    pub(super) out: &'a mut [u8],
}

impl Bands<'_> {
    /// Copies the decoded samples of a piece.
    pub(super) fn copy(&mut self, piece: &Piece, decoded: &[u8]) {
        let bytes = piece.format.sample_bytes();
        let pixel = bytes * usize::from(piece.format.samples);
        for band in 0..self.samples.len() {
            let Some(skip) = self.position(band, piece) else {
                continue;
            };
            for row in 0..piece.size.1 {
                let line = (piece.from.1 + row) as usize * piece.format.row_bytes();
                let from = line + piece.from.0 as usize * pixel + skip * bytes;
                let to = self.line(band, piece, row, bytes);
                let out = &mut self.out[to..to + piece.size.0 as usize * bytes];
                if pixel == bytes {
                    out.copy_from_slice(&decoded[from..from + out.len()]);
                } else {
                    gather(&decoded[from..], pixel, bytes, out);
                }
            }
        }
    }

    /// Fills the place of a piece that is not stored.
    pub(super) fn fill(&mut self, piece: &Piece, sample: &[u8]) {
        for band in 0..self.samples.len() {
            if self.position(band, piece).is_none() {
                continue;
            }
            for row in 0..piece.size.1 {
                let to = self.line(band, piece, row, sample.len());
                let out = &mut self.out[to..to + piece.size.0 as usize * sample.len()];
                for one in out.chunks_exact_mut(sample.len()) {
                    one.copy_from_slice(sample);
                }
            }
        }
    }

    /// Position of the sample of a band within the pixels of a piece, if it is there.
    fn position(&self, band: usize, piece: &Piece) -> Option<usize> {
        let sample = self.samples[band];
        match self.apart {
            true if u32::from(sample) == piece.plane => Some(0),
            true => None,
            false => Some(usize::from(sample)),
        }
    }

    /// First byte of a row of a piece in the window.
    fn line(&self, band: usize, piece: &Piece, row: u32, bytes: usize) -> usize {
        let (width, height) = (self.window.width as usize, self.window.height as usize);
        let above = band * height + (piece.to.1 + row) as usize;
        (above * width + piece.to.0 as usize) * bytes
    }
}

/// Every sample of `bytes` bytes at the start of a pixel of `pixel` bytes.
fn gather(from: &[u8], pixel: usize, bytes: usize, out: &mut [u8]) {
    match bytes {
        1 => gather_exact::<1>(from, pixel, out),
        2 => gather_exact::<2>(from, pixel, out),
        4 => gather_exact::<4>(from, pixel, out),
        8 => gather_exact::<8>(from, pixel, out),
        _ => gather_exact::<16>(from, pixel, out),
    }
}

fn gather_exact<const N: usize>(from: &[u8], pixel: usize, out: &mut [u8]) {
    for (one, pixel) in out.chunks_exact_mut(N).zip(from.chunks(pixel)) {
        one.copy_from_slice(&pixel[..N]);
    }
}
