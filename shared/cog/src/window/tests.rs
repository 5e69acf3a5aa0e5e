use proptest::prelude::*;

use super::{Window, WindowReader, pieces};
use crate::{
    Block, ByteOrder, Codec, Encoder, Error, Image, ImageTags, PlanLimits, Prefetched, plan_ranges,
};

const LIMITS: PlanLimits = PlanLimits {
    max_gap: 16,
    max_len: 1 << 16,
};

/// An image with its file, and the samples that it was made of: band after band, two bytes each.
struct Made {
    image: Image,
    file: Vec<u8>,
    samples: Vec<u16>,
}

fn sample(band: u32, x: u32, y: u32) -> u16 {
    (x.wrapping_mul(31) ^ y.wrapping_mul(1009) ^ band.wrapping_mul(7919)) as u16 | 1
}

/// Blocks whose index is a multiple of `sparse` are not stored.
fn make(
    shape: [u32; 4],
    bands: u16,
    planar: u16,
    codec: Codec,
    tiled: bool,
    sparse: usize,
) -> Made {
    let [width, height, block_width, block_height] = shape;
    let block_width = if tiled { block_width } else { width };
    let mut tags = ImageTags::new(width, height, block_width, block_height, 16);
    tags.samples = bands;
    tags.planar = planar;
    tags.bits_per_sample = vec![16; usize::from(bands)];
    tags.sample_format = vec![1; usize::from(bands)];
    tags.compression = codec.code();
    if codec != Codec::None {
        tags.predictor = 2;
    }
    let mut image = Image {
        ifd_offset: 8,
        byte_order: ByteOrder::Little,
        tiled,
        tags,
        blocks: Vec::new(),
    };
    let mut file = vec![0xee; 100];
    let mut encoder = Encoder::new(codec).unwrap();
    for plane in 0..image.tags.planes() {
        for y in 0..image.tags.blocks_down() {
            for x in 0..image.tags.blocks_across() {
                let format = image.block_format(y).unwrap();
                let mut block = Vec::new();
                for row in 0..format.height {
                    for column in 0..format.width {
                        for band in 0..format.samples {
                            let (x, y) = (x * block_width + column, y * block_height + row);
                            let value = sample(plane + u32::from(band), x, y);
                            block.extend(value.to_ne_bytes());
                        }
                    }
                }
                let mut encoded = Vec::new();
                encoder.encode(&format, &block, &mut encoded).unwrap();
                let stored = !image.blocks.len().is_multiple_of(sparse);
                image.blocks.push(if stored {
                    Block {
                        offset: file.len() as u64,
                        len: encoded.len() as u64,
                    }
                } else {
                    Block::default()
                });
                if stored {
                    file.extend(encoded);
                    file.extend([0xee; 5]);
                }
            }
        }
    }
    let mut samples = Vec::new();
    for band in 0..u32::from(bands) {
        for y in 0..height {
            for x in 0..width {
                let plane = if planar == 2 { band } else { 0 };
                let index = image
                    .tags
                    .block_index(plane, x / block_width, y / block_height)
                    .unwrap();
                let stored = !image.blocks[index].is_sparse();
                samples.push(if stored { sample(band, x, y) } else { 0 });
            }
        }
    }
    Made {
        image,
        file,
        samples,
    }
}

impl Made {
    fn expected(&self, wanted: &[u16], window: Window) -> Vec<u16> {
        let (width, height) = (self.image.tags.width, self.image.tags.height);
        let mut expected = Vec::new();
        for band in wanted {
            for y in window.y..window.y + window.height {
                for x in window.x..window.x + window.width {
                    let at = (u32::from(*band) * height + y) * width + x;
                    expected.push(self.samples[at as usize]);
                }
            }
        }
        expected
    }

    fn read(&self, wanted: &[u16], window: Window) -> Result<Vec<u16>, Error> {
        let mut out = vec![0; 2 * wanted.len() * window.pixels()];
        WindowReader::new(LIMITS).read(
            &self.file,
            &self.image,
            wanted,
            window,
            &[0, 0],
            &mut out,
        )?;
        let pairs = out.chunks_exact(2);
        Ok(pairs
            .map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
            .collect())
    }
}

fn window(x: u32, y: u32, width: u32, height: u32) -> Window {
    Window {
        x,
        y,
        width,
        height,
    }
}

proptest! {
    #[test]
    fn a_window_has_the_samples_of_its_blocks(
        shape in [1..90_u32, 1..90_u32, 1..40_u32, 1..40_u32],
        bands in 1..4_u16,
        planar in 1..3_u16,
        codec in prop::sample::select(vec![Codec::None, Codec::Zstd(1), Codec::Deflate(1)]),
        tiled: bool,
        sparse in 2..5_usize,
        corner in (0.0..1.0_f64, 0.0..1.0_f64),
        extent in (0.0..1.0_f64, 0.0..1.0_f64),
        wanted in prop::collection::vec(0..4_u16, 1..4),
    ) {
        let made = make(shape, bands, planar, codec, tiled, sparse);
        let wanted: Vec<u16> = wanted.into_iter().map(|band| band % bands).collect();
        let axis = |length: u32, corner: f64, extent: f64| {
            let start = (f64::from(length) * corner) as u32;
            (start, 1 + (f64::from(length - start - 1) * extent) as u32)
        };
        let (x, width) = axis(shape[0], corner.0, extent.0);
        let (y, height) = axis(shape[1], corner.1, extent.1);
        let window = window(x, y, width, height);
        prop_assert_eq!(made.read(&wanted, window).unwrap(), made.expected(&wanted, window));
    }
}

#[test]
fn a_window_that_leaves_the_image_is_refused() {
    let made = make([20, 10, 16, 16], 1, 1, Codec::None, true, 9);
    for refused in [
        window(0, 0, 21, 1),
        window(0, 0, 1, 11),
        window(20, 0, 1, 1),
        window(0, 0, 0, 1),
        window(u32::MAX, 0, 2, 1),
        window(1, 1, u32::MAX, 1),
    ] {
        assert!(pieces(&made.image, &[0], refused).is_err(), "{refused:?}");
    }
    assert!(pieces(&made.image, &[1], window(0, 0, 1, 1)).is_err());
    assert!(pieces(&made.image, &[], window(0, 0, 1, 1)).is_err());
}

#[test]
fn only_the_rows_of_blocks_that_are_needed_are_read_without_compression() {
    let made = make([64, 64, 64, 64], 1, 1, Codec::None, false, 9);
    let bytes = |window: Window| {
        let pieces = pieces(&made.image, &[0], window).unwrap();
        pieces
            .iter()
            .map(|piece| piece.bytes.len)
            .collect::<Vec<_>>()
    };
    // The only strip has index 0: it is sparse.
    assert_eq!(bytes(window(3, 5, 10, 2)), [0]);
    let mut stored = made.image.clone();
    stored.blocks[0] = Block {
        offset: 100,
        len: 64 * 64 * 2,
    };
    let found = pieces(&stored, &[0], window(3, 5, 10, 2)).unwrap();
    let places: Vec<_> = found
        .iter()
        .map(|piece| (piece.bytes.offset, piece.bytes.len))
        .collect();
    assert_eq!(
        places,
        [(100 + 2 * (5 * 64 + 3), 20), (100 + 2 * (6 * 64 + 3), 20)]
    );
    let whole_rows = pieces(&stored, &[0], window(0, 5, 64, 3)).unwrap();
    assert_eq!(whole_rows.len(), 1);
    assert_eq!(whole_rows[0].bytes.len, 3 * 64 * 2);
}

#[test]
fn the_windows_of_many_images_are_fetched_by_one_plan() {
    let window = window(10, 10, 30, 30);
    let mut file = Vec::new();
    let mut images = Vec::new();
    for bands in [1, 2, 3] {
        let made = make([64, 64, 16, 16], bands, 1, Codec::Zstd(1), true, 1000);
        let mut image = made.image.clone();
        for block in &mut image.blocks {
            if !block.is_sparse() {
                block.offset += file.len() as u64;
            }
        }
        file.extend(&made.file);
        images.push((image, made));
    }
    let blocks: Vec<Block> = images
        .iter()
        .flat_map(|(image, _)| pieces(image, &[0], window).unwrap())
        .map(|piece| piece.bytes)
        .collect();
    let limits = PlanLimits {
        max_gap: 1 << 20,
        max_len: 1 << 20,
    };
    let plan = plan_ranges(&blocks, limits);
    assert_eq!(plan.ranges.len(), 1);
    let mut fetched = Prefetched::new(file.len() as u64);
    for range in &plan.ranges {
        let bytes = file[range.start as usize..range.end as usize].to_vec();
        fetched.insert(range.start, bytes);
    }
    for (image, made) in &images {
        let mut out = vec![0; 2 * window.pixels()];
        let mut reader = WindowReader::new(LIMITS);
        reader
            .read(&fetched, image, &[0], window, &[0, 0], &mut out)
            .unwrap();
        let expected = made.expected(&[0], window);
        let expected: Vec<u8> = expected.into_iter().flat_map(u16::to_ne_bytes).collect();
        assert!(out == expected);
    }
    let missing = WindowReader::new(LIMITS).read(
        &Prefetched::new(file.len() as u64),
        &images[0].0,
        &[0],
        window,
        &[0, 0],
        &mut vec![0; 2 * window.pixels()],
    );
    assert!(matches!(missing, Err(Error::NeedBytes { .. })));
}

#[test]
fn damaged_blocks_are_errors() {
    let made = make([40, 40, 16, 16], 2, 1, Codec::Zstd(1), true, 1000);
    let whole = window(0, 0, 40, 40);
    let damage = |change: &dyn Fn(&mut Image, &mut Vec<u8>)| {
        let (mut image, mut file) = (made.image.clone(), made.file.clone());
        change(&mut image, &mut file);
        let mut out = vec![0; 2 * whole.pixels()];
        WindowReader::new(LIMITS).read(&file, &image, &[0], whole, &[0, 0], &mut out)
    };
    assert!(damage(&|_, _| ()).is_ok());
    assert!(matches!(
        damage(&|image, _| image.blocks[1].offset = u64::MAX - 5),
        Err(Error::Corrupt(_))
    ));
    assert!(matches!(
        damage(&|image, _| image.blocks[1].len = 1 << 40),
        Err(Error::Corrupt(_))
    ));
    assert!(matches!(
        damage(&|image, _| image.blocks[1].len = 0),
        Err(Error::Corrupt(_))
    ));
    assert!(matches!(
        damage(&|image, file| file[image.blocks[1].offset as usize + 8] ^= 0xff),
        Err(Error::Block(_))
    ));
    assert!(damage(&|_, file| file.truncate(300)).is_err());
    assert!(damage(&|image, _| image.tags.compression = 7).is_err());
    assert!(damage(&|image, _| image.tags.fill_order = 2).is_err());
    assert!(damage(&|image, _| image.tags.compression = 1).is_err());
    assert!(damage(&|image, _| image.blocks.truncate(3)).is_err());
}

#[test]
fn masks_of_bits_and_of_bytes_become_bytes() {
    let (width, height) = (21_u32, 6_u32);
    let set = |x: u32, y: u32| (x / 3 + y).is_multiple_of(2);
    let mut tags = ImageTags::new(width, height, width, 4, 1);
    let mut file = vec![0; 16];
    let mut blocks = Vec::new();
    for first in [0, 4] {
        let offset = file.len() as u64;
        for y in first..height.min(first + 4) {
            for byte in 0..width.div_ceil(8) {
                let bit = |bit: u32| {
                    u8::from(8 * byte + bit < width && set(8 * byte + bit, y)) << (7 - bit)
                };
                file.push((0..8).map(bit).sum());
            }
        }
        let len = file.len() as u64 - offset;
        blocks.push(Block { offset, len });
    }
    tags.subfile_type = crate::MASK;
    let mut mask = Image {
        ifd_offset: 8,
        byte_order: ByteOrder::Little,
        tiled: false,
        tags,
        blocks,
    };
    for window in [
        window(0, 0, 21, 6),
        window(5, 1, 9, 4),
        window(20, 5, 1, 1),
        window(8, 0, 8, 2),
    ] {
        let mut out = vec![7; window.pixels()];
        WindowReader::new(LIMITS)
            .read_mask(&file, &mask, window, &mut out)
            .unwrap();
        let mut expected = Vec::new();
        for y in window.y..window.y + window.height {
            for x in window.x..window.x + window.width {
                expected.push(if set(x, y) { 255 } else { 0 });
            }
        }
        assert_eq!(out, expected, "{window:?}");
    }
    let mut out = [0; 21];
    let mut reader = WindowReader::new(LIMITS);
    reader.set_piece_limit(2);
    let row = reader.read_mask(&file, &mask, window(0, 0, 21, 1), &mut out);
    assert!(matches!(row, Err(Error::Unsupported(_))), "three bytes");
    mask.tags.bits_per_sample = vec![4];
    let mut out = [0];
    let read = WindowReader::new(LIMITS).read_mask(&file, &mask, window(0, 0, 1, 1), &mut out);
    assert!(matches!(read, Err(Error::Unsupported(_))));
}

#[test]
fn blocks_and_rows_above_the_limit_are_refused() {
    for (codec, tiled, needed) in [
        (Codec::Deflate(1), true, 64 * 64 * 2),
        (Codec::Deflate(1), false, 64 * 64 * 2),
        // without compression the rows of the window alone count
        (Codec::None, true, 64 * 2),
        (Codec::None, false, 64 * 2),
    ] {
        let made = make([64, 128, 64, 64], 1, 1, codec, tiled, 2);
        let second_block = window(0, 70, 64, 1);
        let read = |limit| {
            let mut reader = WindowReader::new(LIMITS);
            reader.set_piece_limit(limit);
            let mut out = vec![0; 64 * 2];
            reader.read(
                &made.file,
                &made.image,
                &[0],
                second_block,
                &[0, 0],
                &mut out,
            )
        };
        assert!(read(needed).is_ok(), "{codec:?} {tiled}");
        let refused = read(needed - 1);
        assert!(
            matches!(&refused, Err(Error::Unsupported(text)) if text.starts_with("a block of ")),
            "{codec:?} {tiled}: {refused:?}"
        );
    }
}

#[test]
fn high_strips_without_compression_are_read_in_parts() {
    let mut tags = ImageTags::new(1 << 20, 64, 1 << 20, 64, 8);
    tags.sample_format = vec![1];
    let image = Image {
        ifd_offset: 8,
        byte_order: ByteOrder::Little,
        tiled: false,
        tags,
        blocks: vec![Block {
            offset: 100,
            len: 64 << 20,
        }],
    };
    let found = pieces(&image, &[0], window(0, 3, 1 << 20, 10)).unwrap();
    let rows: Vec<_> = found
        .iter()
        .map(|piece| (piece.to.1, piece.size.1))
        .collect();
    assert_eq!(rows, [(0, 4), (4, 4), (8, 2)]);
    assert_eq!(found[1].bytes.offset, 100 + (7 << 20));
}
