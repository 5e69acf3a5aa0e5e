//! Valid files.

use std::collections::BTreeMap;

use super::{
    encode::{compressed, differences, put},
    random::Random,
};
use crate::ByteOrder;

/// None, LZW, deflate under both numbers, ZSTD; then two that are left to others: `PackBits` and JPEG, the latter with
/// bytes that are none.
const COMPRESSIONS: [u16; 7] = [1, 5, 8, 32946, 50000, 32773, 7];
const WIDTH: u32 = 50;
const HEIGHT: u32 = 37;
const BANDS: u32 = 2;
const TILE: u32 = 16;
const STRIP: u32 = 10;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const DOUBLE: u16 = 12;
const LONG8: u16 = 16;

/// A valid file and what it holds: an image of two bands with a mask and an overview.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How it is made.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Width and height of the image.
    pub size: (u32, u32),
    /// Bands of the image.
    pub bands: u16,
    /// TIFF compression code.
    pub compression: u16,
    /// The samples, band after band, in the byte order of the machine.
    pub samples: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Form {
    order: ByteOrder,
    big: bool,
    compression: u16,
    tiled: bool,
    /// Bytes and format of a sample.
    kind: (usize, u64),
    planar: bool,
    differences: bool,
    /// Overview and mask in sub-directories instead of the main chain.
    sub_directories: bool,
}

/// Files in both byte orders and widths, all compressions, tiles and strips, and samples of several kinds.
pub fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for big in [false, true] {
            for compression in COMPRESSIONS {
                for tiled in [true, false] {
                    let number = samples.len();
                    // unsigned bytes, unsigned 16 bits, floating 32 bits
                    let kind = [(1, 1), (2, 1), (4, 3)][number % 3];
                    let codec = matches!(compression, 5 | 8 | 32946 | 50000);
                    let form = Form {
                        order,
                        big,
                        compression,
                        tiled,
                        kind,
                        planar: number % 4 == 1,
                        differences: codec && kind.1 == 1 && number % 5 < 3,
                        sub_directories: number % 2 == 1,
                    };
                    samples.push(sample(form, number as u64));
                }
            }
        }
    }
    samples
}

/// One directory: entries as kind and numbers, and the blocks that it refers to.
struct Directory {
    entries: BTreeMap<u16, (u16, Vec<u64>)>,
    blocks: Vec<Vec<u8>>,
}

fn sample(form: Form, seed: u64) -> Sample {
    let mut random = Random(seed);
    let all = u64::MAX >> (64 - 8 * form.kind.0);
    let mut number = || match form.kind.1 {
        3 => u64::from(((random.next() % 1000) as f32).to_bits()),
        _ => random.next() & all,
    };
    let count = WIDTH * HEIGHT * BANDS;
    let pixels: Vec<u64> = (0..count).map(|_| number()).collect();
    let main = image(form, (WIDTH, HEIGHT), BANDS, &pixels, form.kind);
    let small: Vec<u64> = (0..25 * 19 * BANDS).map(|at| u64::from(at % 200)).collect();
    let mut overview = image(form, (25, 19), BANDS, &small, form.kind);
    overview.entries.insert(254, (LONG, vec![1]));
    let valid = vec![255; (WIDTH * HEIGHT) as usize];
    let mut mask = image(form, (WIDTH, HEIGHT), 1, &valid, (1, 1));
    mask.entries.insert(254, (LONG, vec![4]));
    let mut samples = Vec::new();
    for pixel in &pixels {
        samples.extend_from_slice(&pixel.to_le_bytes()[..form.kind.0]);
    }
    if cfg!(target_endian = "big") {
        samples
            .chunks_exact_mut(form.kind.0)
            .for_each(<[u8]>::reverse);
    }
    Sample {
        name: format!("{seed}: {form:?}"),
        bytes: file(form, vec![placed(main), mask, overview]),
        size: (WIDTH, HEIGHT),
        bands: BANDS as u16,
        compression: form.compression,
        samples,
    }
}

/// An image of numbers that lie band after band.
fn image(
    form: Form,
    (width, height): (u32, u32),
    bands: u32,
    pixels: &[u64],
    (bytes, format): (usize, u64),
) -> Directory {
    let (block_width, block_height) = if form.tiled {
        (TILE, TILE)
    } else {
        (width, STRIP)
    };
    let planes = if form.planar { bands } else { 1 };
    let at = |band: u32, x: u32, y: u32| {
        let inside = x < width && y < height;
        let index = (band * height + y) * width + x;
        if inside { pixels[index as usize] } else { 0 }
    };
    let mut blocks = Vec::new();
    for plane in 0..planes {
        let of_plane = if form.planar {
            plane..plane + 1
        } else {
            0..bands
        };
        for top in (0..height).step_by(block_height as usize) {
            for left in (0..width).step_by(block_width as usize) {
                let rows = if form.tiled {
                    block_height
                } else {
                    block_height.min(height - top)
                };
                let mut raw = Vec::new();
                for y in top..top + rows {
                    let columns = left..left + block_width;
                    let samples = of_plane.len();
                    let mut row: Vec<u64> = columns
                        .flat_map(|x| of_plane.clone().map(move |band| (band, x)))
                        .map(|(band, x)| at(band, x, y))
                        .collect();
                    if form.differences {
                        differences(&mut row, samples, bytes);
                    }
                    for number in row {
                        put(&mut raw, form.order, bytes, number);
                    }
                }
                blocks.push(compressed(form.compression, raw));
            }
        }
    }
    let of_bands = |value: u64| (SHORT, vec![value; bands as usize]);
    let short = |value: u64| (SHORT, vec![value]);
    let mut entries = BTreeMap::from([
        (256, (LONG, vec![u64::from(width)])),
        (257, (LONG, vec![u64::from(height)])),
        (258, of_bands(8 * bytes as u64)),
        (259, short(u64::from(form.compression))),
        (262, short(1)),
        (277, short(u64::from(bands))),
        (284, short(if form.planar { 2 } else { 1 })),
        (317, short(if form.differences { 2 } else { 1 })),
        (339, of_bands(format)),
    ]);
    if bands > 1 {
        entries.insert(338, short(0));
    }
    if form.tiled {
        entries.insert(322, short(u64::from(block_width)));
        entries.insert(323, short(u64::from(block_height)));
    } else {
        entries.insert(278, short(u64::from(block_height)));
    }
    Directory { entries, blocks }
}

/// In UTM zone 31 north, with a hole marker.
fn placed(mut directory: Directory) -> Directory {
    let doubles = |values: &[f64]| (DOUBLE, values.iter().map(|value| value.to_bits()).collect());
    let entries = &mut directory.entries;
    entries.insert(33550, doubles(&[10.0, 10.0, 0.0]));
    entries.insert(
        33922,
        doubles(&[0.0, 0.0, 0.0, 500_000.0, 5_000_000.0, 0.0]),
    );
    let keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631];
    entries.insert(34735, (SHORT, keys.to_vec()));
    directory
}

/// Lays out directories, then blocks. The first directory comes first, the others are chained or belong to it.
fn file(form: Form, mut directories: Vec<Directory>) -> Vec<u8> {
    let offset_kind = if form.big { LONG8 } else { LONG };
    let (offsets, lengths) = if form.tiled { (324, 325) } else { (273, 279) };
    let subs = directories.len() - 1;
    for directory in &mut directories {
        let count = directory.blocks.len();
        directory
            .entries
            .insert(offsets, (offset_kind, vec![0; count]));
        let found = directory
            .blocks
            .iter()
            .map(|block| block.len() as u64)
            .collect();
        directory.entries.insert(lengths, (LONG, found));
    }
    if form.sub_directories {
        directories[0]
            .entries
            .insert(330, (offset_kind, vec![0; subs]));
    }
    let mut end = if form.big { 16 } else { 8 };
    let mut starts = Vec::new();
    for directory in &directories {
        starts.push(end);
        end += directory.len(form);
    }
    for directory in &mut directories {
        let mut places = Vec::new();
        for block in &directory.blocks {
            places.push(end);
            end += block.len() as u64;
        }
        directory.entries.insert(offsets, (offset_kind, places));
    }
    if form.sub_directories {
        directories[0]
            .entries
            .insert(330, (offset_kind, starts[1..].to_vec()));
    }
    let mut out = start(form);
    for (at, directory) in directories.iter().enumerate() {
        let next = starts.get(at + 1).filter(|_| !form.sub_directories);
        directory.write(form, next.copied().unwrap_or(0), &mut out);
    }
    let blocks = directories
        .into_iter()
        .flat_map(|directory| directory.blocks);
    out.extend(blocks.flatten());
    out
}

fn start(form: Form) -> Vec<u8> {
    let mut out = match form.order {
        ByteOrder::Little => b"II".to_vec(),
        ByteOrder::Big => b"MM".to_vec(),
    };
    if form.big {
        for (size, number) in [(2, 43), (2, 8), (2, 0), (8, 16)] {
            put(&mut out, form.order, size, number);
        }
    } else {
        put(&mut out, form.order, 2, 42);
        put(&mut out, form.order, 4, 8);
    }
    out
}

fn kind_bytes(kind: u16) -> usize {
    match kind {
        SHORT => 2,
        LONG => 4,
        _ => 8,
    }
}

impl Directory {
    /// Bytes of the table, and of all with the values that do not fit in it.
    fn table(&self, form: Form) -> u64 {
        let count = self.entries.len() as u64;
        if form.big {
            8 + 20 * count + 8
        } else {
            2 + 12 * count + 4
        }
    }

    fn len(&self, form: Form) -> u64 {
        let inline = if form.big { 8 } else { 4 };
        let values = self
            .entries
            .values()
            .map(|(kind, numbers)| kind_bytes(*kind) * numbers.len());
        let outside = values.filter(|bytes| *bytes > inline).sum::<usize>() as u64;
        self.table(form) + outside
    }

    fn write(&self, form: Form, next: u64, out: &mut Vec<u8>) {
        let (count, wide) = if form.big { (8, 8) } else { (2, 4) };
        let mut outside = out.len() as u64 + self.table(form);
        let mut values = Vec::new();
        put(out, form.order, count, self.entries.len() as u64);
        for (tag, (kind, numbers)) in &self.entries {
            put(out, form.order, 2, u64::from(*tag));
            put(out, form.order, 2, u64::from(*kind));
            put(out, form.order, wide, numbers.len() as u64);
            let mut value = Vec::new();
            for number in numbers {
                put(&mut value, form.order, kind_bytes(*kind), *number);
            }
            if value.len() > wide {
                put(out, form.order, wide, outside);
                outside += value.len() as u64;
                values.extend(value);
            } else {
                value.resize(wide, 0);
                out.extend(value);
            }
        }
        put(out, form.order, wide, next);
        out.extend(values);
    }
}
