//! Blocks of test files.

use crate::ByteOrder;

/// Numbers of `size` bytes in an order.
pub(super) fn put(out: &mut Vec<u8>, order: ByteOrder, size: usize, number: u64) {
    match order {
        ByteOrder::Little => out.extend_from_slice(&number.to_le_bytes()[..size]),
        ByteOrder::Big => out.extend_from_slice(&number.to_be_bytes()[8 - size..]),
    }
}

/// Bytes under a compression; those of a codec that nobody here can encode are not encoded.
pub(super) fn compressed(code: u16, raw: Vec<u8>) -> Vec<u8> {
    match code {
        5 => {
            let order = weezl::BitOrder::Msb;
            let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(order, 8);
            encoder.encode(&raw).expect("any bytes can be encoded")
        }
        8 | 32946 => {
            let level = libdeflater::CompressionLvl::default();
            let mut encoder = libdeflater::Compressor::new(level);
            let mut out = vec![0; encoder.zlib_compress_bound(raw.len())];
            let written = encoder.zlib_compress(&raw, &mut out);
            out.truncate(written.expect("the buffer is as large as asked for"));
            out
        }
        32773 => raw
            .chunks(128)
            .flat_map(|run| std::iter::once(run.len() as u8 - 1).chain(run.iter().copied()))
            .collect(),
        50000 => zstd::bulk::compress(&raw, 1).expect("any bytes can be encoded"),
        _ => raw,
    }
}

/// Horizontal differences within a row of pixels.
pub(super) fn differences(row: &mut [u64], samples: usize, bytes: usize) {
    for at in (samples..row.len()).rev() {
        let all = u64::MAX >> (64 - 8 * bytes);
        row[at] = row[at].wrapping_sub(row[at - samples]) & all;
    }
}
