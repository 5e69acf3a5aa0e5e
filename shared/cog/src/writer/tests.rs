use std::io::Write;

use super::*;
use crate::{Block, File, GeoTags, ImageTags, InterlacingPattern, MASK, REDUCED};

/// 32 x 32 bytes in tiles of 16 x 16 with an overview of one tile.
fn record(name: &str) -> RecordLayout {
    let mut tags = ImageTags::new(32, 32, 16, 16, 8);
    tags.document_name = Some(name.to_owned());
    tags.nodata = Some("0".to_owned());
    tags.geo = GeoTags {
        pixel_scale: vec![10.0, 10.0, 0.0],
        tiepoints: vec![0.0, 0.0, 0.0, 500_000.0, 4_000_000.0, 0.0],
        ..GeoTags::default()
    };
    let overview = ImageTags {
        width: 16,
        height: 16,
        ..tags.clone()
    };
    let level = |tags: ImageTags, count| LevelLayout {
        image: ImageLayout {
            tags,
            lengths: vec![256; count],
        },
        masks: Vec::new(),
    };
    RecordLayout {
        levels: vec![level(tags, 4), level(overview, 1)],
        first_tile: (0, 0),
    }
}

fn with_masks(mut record: RecordLayout) -> RecordLayout {
    for level in &mut record.levels {
        let mut mask = level.image.clone();
        mask.tags.nodata = None;
        mask.lengths.fill(100);
        level.masks.push(mask);
    }
    record
}

/// Fills each tile with a byte of its own.
struct Painted {
    records: Vec<RecordLayout>,
    asked: usize,
}

fn colour(tile: EncodedTile) -> u8 {
    let mask = tile.mask.map_or(0, |mask| 100 + mask);
    (1 + tile.record * 20 + tile.level * 10 + tile.index + mask) as u8
}

impl TileSource for Painted {
    fn copy_tile(&mut self, tile: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
        self.asked += 1;
        let level = &self.records[tile.record].levels[tile.level];
        let image = tile.mask.map_or(&level.image, |mask| &level.masks[mask]);
        let bytes = vec![colour(tile); image.lengths[tile.index] as usize];
        out.write_all(&bytes).map_err(Error::Write)
    }
}

fn mucog(records: &[RecordLayout], pattern: &str, offsets: Offsets) -> Vec<u8> {
    let pattern = InterlacingPattern::parse(pattern).unwrap();
    let mut source = Painted {
        records: records.to_vec(),
        asked: 0,
    };
    let mut out = Vec::new();
    let len = write_mucog(records, &pattern, offsets, &mut source, &mut out).unwrap();
    assert_eq!(len, out.len() as u64);
    out
}

fn cog(record: &RecordLayout, offsets: Offsets) -> Vec<u8> {
    let mut source = Painted {
        records: vec![record.clone()],
        asked: 0,
    };
    let mut out = Vec::new();
    let len = write_cog(record, offsets, &mut source, &mut out).unwrap();
    assert_eq!(len, out.len() as u64);
    out
}

fn assert_painted(bytes: &[u8], file: &File) {
    for (record, found) in file.records.iter().enumerate() {
        for (level, found) in found.levels.iter().enumerate() {
            let parts = std::iter::once((None, &found.image));
            let masks = found
                .masks
                .iter()
                .enumerate()
                .map(|(at, mask)| (Some(at), mask));
            for (mask, image) in parts.chain(masks) {
                for (index, block) in image.blocks.iter().enumerate() {
                    let data = &bytes[block.offset as usize..block.end() as usize];
                    let expected = colour(EncodedTile {
                        record,
                        level,
                        mask,
                        index,
                    });
                    assert!(
                        data.iter().all(|byte| *byte == expected),
                        "{record} {level} {mask:?} {index}"
                    );
                }
            }
        }
    }
}

fn offsets(blocks: &[Block]) -> Vec<u64> {
    blocks.iter().map(|block| block.offset).collect()
}

#[test]
fn a_file_of_two_records_has_every_byte_at_its_place() {
    let records = [record("cog_tiff_0123"), record("cog_tiff_4567")];
    let bytes = mucog(&records, "Z=0>T>R>B;R>Z=1:>T>B", Offsets::Auto);
    assert_eq!(bytes.len(), 3572);
    let u16_at = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(bytes[..8], *b"II\x2a\0\x08\0\0\0");
    let entry = |ifd: usize, at: usize| {
        let at = ifd + 2 + 12 * at;
        (u16_at(at), u16_at(at + 2), u32_at(at + 4), u32_at(at + 8))
    };
    let main = |ifd: usize, values: [u32; 6]| {
        let [name, tiles, lengths, sub, scale, tie] = values;
        [
            (256, 4, 1, 32),
            (257, 4, 1, 32),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (269, 2, 14, name),
            (277, 3, 1, 1),
            (284, 3, 1, 1),
            (322, 3, 1, 16),
            (323, 3, 1, 16),
            (324, 4, 4, tiles),
            (325, 4, 4, lengths),
            (330, 4, 1, sub),
            (339, 3, 1, 1),
            (33550, 12, 3, scale),
            (33922, 12, 6, tie),
            (42113, 2, 2, u32::from(b'0')),
        ]
        .into_iter()
        .enumerate()
        .for_each(|(at, expected)| assert_eq!(entry(ifd, at), expected, "{ifd}"));
        assert_eq!(u16_at(ifd), 17);
    };
    main(8, [218, 948, 964, 600, 232, 256]);
    main(304, [514, 980, 996, 774, 528, 552]);
    assert_eq!((u32_at(8 + 206), u32_at(304 + 206)), (304, 0));
    assert_eq!(bytes[218..232], *b"cog_tiff_0123\0");
    for (ifd, tile) in [(600, 3060), (774, 3316)] {
        assert_eq!(u16_at(ifd), 14);
        assert_eq!(entry(ifd, 0), (254, 4, 1, 1));
        assert_eq!(entry(ifd, 10), (324, 4, 1, tile));
        assert_eq!(entry(ifd, 11), (325, 4, 1, 256));
        assert_eq!(entry(ifd, 13), (42113, 2, 2, u32::from(b'0')));
        assert_eq!(u32_at(ifd + 170), 0);
    }
    let file = File::read(&bytes).unwrap();
    assert_eq!(
        offsets(&file.records[0].main().blocks),
        [1012, 2036, 1524, 2548]
    );
    assert_eq!(
        offsets(&file.records[1].main().blocks),
        [1268, 2292, 1780, 2804]
    );
    assert_painted(&bytes, &file);
}

#[test]
fn big_files_are_aligned_on_eight_and_hold_the_same() {
    let records = [record("a"), with_masks(record("bcd"))];
    let bytes = mucog(&records, "R>Z>T>B", Offsets::Big);
    assert_eq!(bytes[..16], *b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0");
    let file = File::read(&bytes).unwrap();
    assert!(file.big);
    assert_painted(&bytes, &file);
    for record in &file.records {
        for level in &record.levels {
            assert_eq!(level.image.ifd_offset % 8, 0);
            level
                .masks
                .iter()
                .for_each(|mask| assert_eq!(mask.ifd_offset % 8, 0));
        }
    }
    let header = crate::Header::read(&bytes).unwrap();
    for ifd in header
        .ifds
        .iter()
        .flat_map(|ifd| std::iter::once(ifd).chain(&ifd.sub_ifds))
    {
        for entry in &ifd.entries {
            assert!(
                entry.out_of_line().is_none_or(|range| range.start % 8 == 0),
                "{entry:?}"
            );
        }
    }
    assert_eq!(
        header.ifds[0].entry(330).unwrap().field,
        crate::FieldType::Long8
    );
}

#[test]
fn masks_follow_their_images() {
    let record = with_masks(record("a"));
    let bytes = mucog(std::slice::from_ref(&record), "R>Z>T>B", Offsets::Classic);
    let file = File::read(&bytes).unwrap();
    assert_painted(&bytes, &file);
    let [full, overview] = file.records[0].levels.as_slice() else {
        panic!("two levels expected")
    };
    assert_eq!(full.masks[0].tags.subfile_type, MASK);
    assert_eq!(overview.masks[0].tags.subfile_type, MASK | REDUCED);
    assert_eq!(full.masks[0].blocks[0].offset, full.image.blocks[0].end());
}

#[test]
fn a_cog_has_its_ghost_area_and_the_smallest_overview_first() {
    let bytes = cog(&record("a"), Offsets::Auto);
    let file = File::read(&bytes).unwrap();
    assert!(file.ghost.as_ref().unwrap().is_cog());
    assert_eq!(file.records[0].main().ifd_offset, 8 + 184);
    assert_eq!(file.records[0].main().tags.subfile_type, 0);
    let overview = file.records[0].overviews().next().unwrap();
    assert_eq!(overview.tags.subfile_type, REDUCED);
    assert!(overview.tags.geo.tiepoints.is_empty());
    let tiles = offsets(&overview.blocks)
        .into_iter()
        .chain(offsets(&file.records[0].main().blocks));
    let tiles = tiles.collect::<Vec<_>>();
    assert!(
        tiles.windows(2).all(|pair| pair[1] == pair[0] + 256 + 8),
        "{tiles:?}"
    );
    let first = tiles[0] as usize;
    assert_eq!(bytes[first - 4..first], 256_u32.to_le_bytes());
    assert_eq!(
        bytes[first + 252..first + 256],
        bytes[first + 256..first + 260]
    );
    assert_eq!(bytes.len() as u64, tiles[4] + 256 + 4);
    assert_painted(&bytes, &file);
    crate::validate_cog(&file.records[0]).unwrap();
}

#[test]
fn a_cog_with_masks_interleaves_them() {
    let record = with_masks(record("a"));
    for form in [Offsets::Classic, Offsets::Big] {
        let bytes = cog(&record, form);
        let file = File::read(&bytes).unwrap();
        let ghost = file.ghost.as_ref().unwrap();
        assert_eq!(ghost.get("MASK_INTERLEAVED_WITH_IMAGERY"), Some("YES"));
        assert_eq!(ghost.text.len(), 174);
        let full = &file.records[0].levels[0];
        assert_eq!(
            full.masks[0].blocks[2].offset,
            full.image.blocks[2].end() + 8
        );
        assert_painted(&bytes, &file);
    }
}

#[test]
fn sparse_tiles_take_no_byte_and_are_not_asked_for() {
    let mut record = record("a");
    record.levels[0].image.lengths = vec![0, 256, 0, 0];
    record.levels[1].image.lengths = vec![0];
    let mut source = Painted {
        records: vec![record.clone()],
        asked: 0,
    };
    let mut out = Vec::new();
    write_cog(&record, Offsets::Auto, &mut source, &mut out).unwrap();
    assert_eq!(source.asked, 1);
    let file = File::read(&out).unwrap();
    let sparse = file.records[0]
        .main()
        .blocks
        .iter()
        .map(Block::is_sparse)
        .collect::<Vec<_>>();
    assert_eq!(sparse, [true, false, true, true]);
    assert_eq!(file.records[0].main().blocks[0], Block::default());
}

#[test]
fn offsets_grow_to_64_bits_when_the_exact_size_asks_for_it() {
    // 16 tiles of 256 MiB; nothing is written, only the choice counts.
    struct Refusing;
    impl TileSource for Refusing {
        fn copy_tile(&mut self, _: EncodedTile, _: &mut dyn Write) -> Result<(), Error> {
            Err(Error::Write(std::io::ErrorKind::StorageFull.into()))
        }
    }
    let layout = |len| {
        let image = ImageLayout {
            tags: ImageTags::new(64, 64, 16, 16, 8),
            lengths: vec![len; 16],
        };
        RecordLayout {
            levels: vec![LevelLayout {
                image,
                masks: Vec::new(),
            }],
            first_tile: (0, 0),
        }
    };
    let pattern = InterlacingPattern::parse("R>Z>T>B").unwrap();
    for (len, version) in [((1 << 28) - 100, 42), (1 << 28, 43)] {
        let mut out = Vec::new();
        let _ = write_mucog(
            &[layout(len)],
            &pattern,
            Offsets::Auto,
            &mut Refusing,
            &mut out,
        );
        assert_eq!(out[2], version);
        out.clear();
        let _ = write_cog(&layout(len), Offsets::Auto, &mut Refusing, &mut out);
        assert_eq!(out[2], version);
    }
    let error = write_cog(
        &layout(1 << 28),
        Offsets::Classic,
        &mut Refusing,
        &mut Vec::new(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "data would overflow tiff capacity, use bigtiff"
    );
}

#[test]
fn a_source_that_gives_another_length_is_an_error() {
    struct Wrong(usize);
    impl TileSource for Wrong {
        fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
            out.write_all(&vec![0; self.0]).map_err(Error::Write)
        }
    }
    for len in [0, 255, 257] {
        let error = write_cog(
            &record("a"),
            Offsets::Auto,
            &mut Wrong(len),
            &mut Vec::new(),
        )
        .unwrap_err();
        let Error::TileLength {
            expected, actual, ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((expected, actual), (256, len as u64));
    }
}

#[test]
fn inconsistent_layouts_are_refused() {
    let with = |change: fn(&mut RecordLayout)| {
        let mut layout = record("a");
        change(&mut layout);
        layout
    };
    let cases = [
        with(|layout| layout.levels.clear()),
        with(|layout| layout.levels[0].image.tags.width = 0),
        with(|layout| layout.levels[0].image.tags.width = u32::MAX),
        with(|layout| layout.levels[0].image.tags.block_width = 0),
        with(|layout| layout.levels[0].image.tags.block_width = 24),
        with(|layout| layout.levels[0].image.tags.block_height = 65536),
        with(|layout| layout.levels[0].image.lengths.truncate(3)),
        with(|layout| layout.levels[0].image.lengths[0] = 1 << 32),
        with(|layout| layout.levels[0].image.tags.samples = 2),
        with(|layout| layout.levels[0].image.tags.document_name = Some("a\0b".to_owned())),
        with(|layout| {
            let mask = layout.levels[1].image.clone();
            layout.levels[0].masks.push(mask);
        }),
    ];
    for layout in cases {
        let refused = write_cog(&layout, Offsets::Auto, &mut NoTiles, &mut Vec::new());
        assert!(matches!(refused, Err(Error::Layout(_))), "{refused:?}");
    }
    let pattern = InterlacingPattern::parse("R>Z>T>B").unwrap();
    let refused = write_mucog(&[], &pattern, Offsets::Auto, &mut NoTiles, &mut Vec::new());
    assert!(matches!(refused, Err(Error::Layout(_))));
}
