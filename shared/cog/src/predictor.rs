//! Predictors of TIFF on samples in the byte order of the machine.
//!
//! 2 stores the difference of each sample to that of the pixel on its left. 3 does so on the bytes of floating
//! numbers, after gathering the most significant bytes of a row, then the next ones, and so on.

use crate::{BlockError, BlockFormat};

const NONE: u16 = 1;
const HORIZONTAL: u16 = 2;
const FLOATING: u16 = 3;

/// Refuses predictors that do not exist for these samples.
pub(crate) fn check(format: &BlockFormat) -> Result<(), BlockError> {
    match format.predictor {
        NONE => Ok(()),
        HORIZONTAL if !format.complex && matches!(format.bits, 8 | 16 | 32 | 64) => Ok(()),
        FLOATING if !format.complex && matches!(format.bits, 16 | 32 | 64) => Ok(()),
        predictor => Err(BlockError::UnsupportedPredictor {
            predictor,
            bits: format.bits,
        }),
    }
}

/// True when the encoded bytes of numbers are in an order of their own, the same on all machines.
pub(crate) fn orders_bytes(format: &BlockFormat) -> bool {
    format.predictor == FLOATING
}

/// Samples from differences, in place.
pub(crate) fn undo(format: &BlockFormat, data: &mut [u8]) {
    let row_bytes = format.row_bytes();
    if row_bytes == 0 {
        return;
    }
    let samples = usize::from(format.samples);
    let mut scratch = Vec::new();
    for row in data.chunks_exact_mut(row_bytes) {
        match (format.predictor, format.bits) {
            (HORIZONTAL, 8) => accumulate(row, samples, |[a]: [u8; 1], [b]| [a.wrapping_add(b)]),
            (HORIZONTAL, 16) => accumulate(row, samples, |a, b| {
                u16::from_ne_bytes(a)
                    .wrapping_add(u16::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            (HORIZONTAL, 32) => accumulate(row, samples, |a, b| {
                u32::from_ne_bytes(a)
                    .wrapping_add(u32::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            (HORIZONTAL, _) => accumulate(row, samples, |a, b| {
                u64::from_ne_bytes(a)
                    .wrapping_add(u64::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            (FLOATING, _) => {
                accumulate(row, samples, |[a]: [u8; 1], [b]| [a.wrapping_add(b)]);
                scratch.clear();
                scratch.extend_from_slice(row);
                scatter(&scratch, row, format.sample_bytes());
            }
            _ => return,
        }
    }
}

/// Differences of samples, replacing the contents of `out`.
pub(crate) fn apply(format: &BlockFormat, data: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let row_bytes = format.row_bytes();
    if row_bytes == 0 || format.predictor == NONE {
        out.extend_from_slice(data);
        return;
    }
    out.resize(data.len(), 0);
    let samples = usize::from(format.samples);
    let mut gathered = vec![
        0;
        if format.predictor == FLOATING {
            row_bytes
        } else {
            0
        }
    ];
    for (row, out) in data
        .chunks_exact(row_bytes)
        .zip(out.chunks_exact_mut(row_bytes))
    {
        match (format.predictor, format.bits) {
            (HORIZONTAL, 8) => differences(row, out, samples, sub_bytes),
            (HORIZONTAL, 16) => differences(row, out, samples, |a, b| {
                u16::from_ne_bytes(a)
                    .wrapping_sub(u16::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            (HORIZONTAL, 32) => differences(row, out, samples, |a, b| {
                u32::from_ne_bytes(a)
                    .wrapping_sub(u32::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            (HORIZONTAL, _) => differences(row, out, samples, |a, b| {
                u64::from_ne_bytes(a)
                    .wrapping_sub(u64::from_ne_bytes(b))
                    .to_ne_bytes()
            }),
            _ => {
                gather(row, &mut gathered, format.sample_bytes());
                differences(&gathered, out, samples, sub_bytes);
            }
        }
    }
}

fn sub_bytes([a]: [u8; 1], [b]: [u8; 1]) -> [u8; 1] {
    [a.wrapping_sub(b)]
}

/// Adds to each number of `N` bytes the one `stride` numbers before.
fn accumulate<const N: usize>(
    row: &mut [u8],
    stride: usize,
    add: impl Fn([u8; N], [u8; N]) -> [u8; N],
) {
    let (numbers, _) = row.as_chunks_mut::<N>();
    if stride == 1 {
        // The sum stays in a register: twice as fast as reading it back.
        let mut sum = [0; N];
        for number in numbers {
            sum = add(*number, sum);
            *number = sum;
        }
        return;
    }
    for at in stride..numbers.len() {
        numbers[at] = add(numbers[at], numbers[at - stride]);
    }
}

/// Takes from each number of `N` bytes the one `stride` numbers before. Not in place, so that it vectorises.
fn differences<const N: usize>(
    row: &[u8],
    out: &mut [u8],
    stride: usize,
    sub: impl Fn([u8; N], [u8; N]) -> [u8; N],
) {
    let (numbers, _) = row.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<N>();
    let first = stride.min(numbers.len());
    out[..first].copy_from_slice(&numbers[..first]);
    for ((out, number), before) in out[first..].iter_mut().zip(&numbers[first..]).zip(numbers) {
        *out = sub(*number, *before);
    }
}

/// Numbers from their bytes gathered by significance, the most significant first.
fn scatter(gathered: &[u8], row: &mut [u8], size: usize) {
    let count = row.len() / size;
    for (at, number) in row.chunks_exact_mut(size).enumerate() {
        for (significance, byte) in number.iter_mut().enumerate() {
            *byte = gathered[place(significance, size) * count + at];
        }
    }
}

fn gather(numbers: &[u8], row: &mut [u8], size: usize) {
    let count = row.len() / size;
    for (at, number) in numbers.chunks_exact(size).enumerate() {
        for (significance, byte) in number.iter().enumerate() {
            row[place(significance, size) * count + at] = *byte;
        }
    }
}

/// Which gathered run holds the byte at a position in the memory of this machine.
fn place(position: usize, size: usize) -> usize {
    if cfg!(target_endian = "little") {
        size - 1 - position
    } else {
        position
    }
}
