use proptest::prelude::*;

use crate::{
    ByteOrder, Error, File, Header, ImageLayout, ImageTags, InterlacingPattern, LevelLayout,
    NoTiles, Offsets, Prefetched, RecordLayout, write_cog, write_mucog,
};

/// Writes a file by hand, number by number.
struct Builder {
    order: ByteOrder,
    big: bool,
    bytes: Vec<u8>,
}

impl Builder {
    fn new(order: ByteOrder, big: bool, first_ifd: u64) -> Self {
        let mut built = Self {
            order,
            big,
            bytes: Vec::new(),
        };
        built.bytes.extend(if order == ByteOrder::Little {
            b"II"
        } else {
            b"MM"
        });
        if big {
            built.put(43, 2);
            built.put(8, 2);
            built.put(0, 2);
        } else {
            built.put(42, 2);
        }
        built.word(first_ifd);
        built
    }

    fn put(&mut self, value: u64, size: usize) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(&value.to_le_bytes()[..size]),
            ByteOrder::Big => self.bytes.extend(&value.to_be_bytes()[8 - size..]),
        }
    }

    fn word(&mut self, value: u64) {
        self.put(value, if self.big { 8 } else { 4 });
    }

    /// A directory of (tag, type, count, value); a value is left-justified in its field.
    fn ifd(&mut self, entries: &[(u64, u64, u64, u64)], next: u64) {
        self.put(entries.len() as u64, if self.big { 8 } else { 2 });
        for (tag, kind, count, value) in entries {
            self.put(*tag, 2);
            self.put(*kind, 2);
            self.word(*count);
            let end = self.bytes.len() + if self.big { 8 } else { 4 };
            match kind {
                3 if *count == 1 => self.put(*value, 2),
                4 if *count == 1 => self.put(*value, 4),
                _ => self.word(*value),
            }
            self.bytes.resize(end, 0);
        }
        self.word(next);
    }
}

/// One image of 20 x 10 bytes in two tiles, its name out of line and without NUL at an odd offset.
fn small(order: ByteOrder, big: bool) -> Vec<u8> {
    let ifd = if big { 16 } else { 8 };
    let values = if big {
        ifd + 8 + 20 * 8 + 8
    } else {
        ifd + 2 + 12 * 8 + 4
    };
    let name = values + 16 + 1;
    let mut built = Builder::new(order, big, ifd);
    let entries = [
        (256, 3, 1, 20),
        (257, 4, 1, 10),
        (258, 3, 1, 8),
        (269, 2, 11, name),
        (322, 3, 1, 16),
        (323, 3, 1, 16),
        (324, 4, 2, values),
        (325, 4, 2, values + 8),
    ];
    // Two 32-bit values are inline in BigTIFF: out of line they need a wider type.
    let wide = |(tag, kind, count, value)| match tag {
        324 | 325 if big => (tag, 16, count, value - if tag == 325 { 8 } else { 0 }),
        _ => (tag, kind, count, value),
    };
    built.ifd(&entries.map(wide), 0);
    if big {
        built.put(500, 8);
        built.put(0, 8);
    } else {
        for value in [500, 0, 256, 0] {
            built.put(value, 4);
        }
    }
    built.bytes.push(0);
    built.bytes.extend(b"odd name 12");
    built.bytes.resize(1000, 0);
    built.bytes
}

#[test]
fn both_byte_orders_and_widths_are_read() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for big in [false, true] {
            let file = File::read(&small(order, big)).unwrap();
            assert_eq!((file.byte_order, file.big), (order, big));
            let image = file.records[0].main();
            assert_eq!((image.tags.width, image.tags.height), (20, 10));
            assert_eq!(image.tags.document_name.as_deref(), Some("odd name 12"));
            assert_eq!(image.blocks.len(), 2);
            assert_eq!(image.blocks[0].offset, 500);
        }
    }
}

#[test]
fn hostile_structures_are_refused() {
    let image = [
        (256, 3, 1, 20),
        (257, 3, 1, 10),
        (322, 3, 1, 16),
        (323, 3, 1, 16),
    ];
    let with = |more: &[(u64, u64, u64, u64)], next| {
        let mut built = Builder::new(ByteOrder::Little, false, 8);
        built.ifd(&[image.as_slice(), more].concat(), next);
        built.bytes.resize(400, 0);
        built.bytes
    };
    let cases: [(&str, Vec<u8>); 12] = [
        ("chain that loops", with(&[], 8)),
        (
            "sub-directory that is its parent",
            with(&[(330, 4, 1, 8)], 0),
        ),
        ("next directory outside", with(&[], 4_000_000_000)),
        ("next directory cut", with(&[], 399)),
        (
            "array outside",
            with(&[(324, 4, 2, 396), (325, 4, 2, 200)], 0),
        ),
        (
            "array of four billion",
            with(&[(324, 4, u64::from(u32::MAX), 100), (325, 4, 2, 200)], 0),
        ),
        (
            "too few offsets",
            with(&[(324, 4, 1, 100), (325, 4, 1, 200)], 0),
        ),
        ("no offsets", with(&[], 0)),
        (
            "offsets that are text",
            with(&[(324, 2, 8, 200), (325, 4, 2, 200)], 0),
        ),
        (
            "no first directory",
            Builder::new(ByteOrder::Little, false, 0).bytes,
        ),
        (
            "first directory outside",
            Builder::new(ByteOrder::Big, true, u64::MAX).bytes,
        ),
        ("cut header", b"II\x2b\0\x08\0\0\0\x10".to_vec()),
    ];
    for (what, bytes) in cases {
        let found = File::read(&bytes);
        assert!(matches!(found, Err(Error::Corrupt(_))), "{what}: {found:?}");
    }
    for bytes in [
        &b""[..],
        b"II",
        b"II\x2a\0\x08\0\0",
        b"GIF89a..",
        b"II\x2b\0\x04\0\0\0\x10\0\0\0\0\0\0\0",
    ] {
        assert!(
            matches!(File::read(bytes), Err(Error::NotTiff)),
            "{bytes:?}"
        );
    }
}

#[test]
fn images_without_size_are_refused() {
    for tag in [256, 257, 322, 323, 277] {
        let mut entries = vec![
            (256, 3, 1, 20),
            (257, 3, 1, 10),
            (277, 3, 1, 1),
            (322, 3, 1, 16),
            (323, 3, 1, 16),
        ];
        entries
            .iter_mut()
            .filter(|entry| entry.0 == tag)
            .for_each(|entry| entry.3 = 0);
        let mut built = Builder::new(ByteOrder::Little, false, 8);
        built.ifd(&entries, 0);
        let error = File::read(&built.bytes).unwrap_err().to_string();
        assert!(error.contains("size zero"), "{tag}: {error}");
    }
}

#[test]
fn a_crowd_of_directories_is_bounded() {
    // Overlapping directories, each claiming 65535 samples, would otherwise take gigabytes.
    let mut built = Builder::new(ByteOrder::Little, false, 8);
    for at in 0..3000_u64 {
        let next = built.bytes.len() as u64 + 2 + 7 * 12 + 4;
        let next = if at == 2999 { 0 } else { next };
        let entries = [
            (256, 3, 1, 16),
            (257, 3, 1, 16),
            (277, 3, 1, 65535),
            (322, 3, 1, 16),
            (323, 3, 1, 16),
            (324, 4, 1, 0),
            (325, 4, 1, 0),
        ];
        built.ifd(&entries, next);
    }
    let found = File::read(&built.bytes);
    assert!(
        matches!(found, Err(Error::TooLarge { .. })),
        "{}",
        found.is_ok()
    );
    let mut built = Builder::new(ByteOrder::Little, false, 8);
    built.put(65535, 2);
    built.bytes.resize(1 << 20, 0);
    assert!(matches!(
        Header::read(&built.bytes),
        Err(Error::TooLarge { .. })
    ));
}

fn mucog(offsets: Offsets) -> Vec<u8> {
    let level = |size| {
        let mut tags = ImageTags::new(size, size, 16, 16, 8);
        tags.nodata = Some("-9999".to_owned());
        tags.geo.pixel_scale = vec![1.0; 3];
        let image = ImageLayout {
            lengths: vec![0; tags.block_count() as usize],
            tags,
        };
        LevelLayout {
            masks: vec![image.clone()],
            image,
        }
    };
    let record = RecordLayout {
        levels: vec![level(64), level(32)],
        first_tile: (0, 0),
    };
    let pattern = InterlacingPattern::parse("R>Z>T>B").unwrap();
    let mut out = Vec::new();
    write_mucog(
        &[record.clone(), record],
        &pattern,
        offsets,
        &mut NoTiles,
        &mut out,
    )
    .unwrap();
    out
}

#[test]
fn a_file_is_read_while_its_parts_arrive() {
    for bytes in [
        mucog(Offsets::Classic),
        mucog(Offsets::Big),
        small(ByteOrder::Big, false),
    ] {
        let expected = File::read(&bytes).unwrap();
        let mut known = Prefetched::new(bytes.len() as u64);
        let mut fetches = 0;
        let found = loop {
            match File::read(&known) {
                Err(Error::NeedBytes { offset, len }) => {
                    fetches += 1;
                    // The next piece comes short: the reader asks again.
                    let (start, end) = (offset as usize, (offset + len.clamp(1, 40)) as usize);
                    known.insert(offset, bytes[start..end].to_vec());
                }
                other => break other.unwrap(),
            }
        };
        assert_eq!(found, expected);
        assert!(fetches > 3);
    }
}

#[test]
fn one_fetch_of_the_head_is_enough() {
    let bytes = mucog(Offsets::Auto);
    let mut known = Prefetched::new(1 << 40);
    known.insert(0, bytes.clone());
    assert_eq!(File::read(&known).unwrap(), File::read(&bytes).unwrap());
}

fn corpus() -> Vec<Vec<u8>> {
    let mut cog = Vec::new();
    let tags = ImageTags::new(40, 40, 16, 16, 16);
    let image = ImageLayout {
        lengths: vec![0; 9],
        tags,
    };
    let level = LevelLayout {
        image,
        masks: Vec::new(),
    };
    let record = RecordLayout {
        levels: vec![level],
        first_tile: (0, 0),
    };
    write_cog(&record, Offsets::Auto, &mut NoTiles, &mut cog).unwrap();
    vec![
        small(ByteOrder::Little, false),
        small(ByteOrder::Big, true),
        mucog(Offsets::Classic),
        mucog(Offsets::Big),
        cog,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_files_never_panic(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        shorten in any::<bool>(),
    ) {
        let mut bytes = corpus().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if shorten {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(file) = File::read(&bytes) {
            for record in &file.records {
                let _ = crate::validate_cog(record);
                let _ = record.main().geo_transform();
                for level in &record.levels {
                    let _ = level.image.block_format(0).and_then(|format| format.decoded_bytes());
                }
            }
            for record in file.records {
                let Ok(source) = crate::TiledSource::new(bytes.as_slice(), record, "a") else { continue };
                let pattern = InterlacingPattern::parse("Z>T>R>B").unwrap();
                let _ = crate::assemble_mucog(&[source], &pattern, Offsets::Auto, &mut std::io::sink());
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..300), big in any::<bool>()) {
        bytes[..4].copy_from_slice(if big { b"II\x2b\0" } else { b"MM\0\x2a" });
        let _ = File::read(&bytes);
    }
}
