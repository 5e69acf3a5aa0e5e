use std::io::Write;

use super::{FileKind, Spread, Summary, inspect};
use crate::{
    EncodedTile, Error, File, ImageLayout, ImageTags, InterlacingPattern, LevelLayout, Offsets,
    RecordLayout, TileSource, write_cog, write_mucog,
};

const TILE: u64 = 200;

/// Bytes that nobody looks at.
struct Filler;

impl TileSource for Filler {
    fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
        out.write_all(&[7; TILE as usize]).map_err(Error::Write)
    }
}

/// 80 x 48 pixels in 5 x 3 tiles with two overviews, `right` tiles to the right of the origin.
fn record(name: &str, planes: u16, right: u32) -> RecordLayout {
    let level = |width, height, main: bool| {
        let mut tags = ImageTags::new(width, height, 16, 16, 16);
        tags.samples = planes;
        tags.bits_per_sample = vec![16; usize::from(planes)];
        tags.sample_format = vec![2; usize::from(planes)];
        tags.planar = 2;
        tags.compression = 50000;
        tags.predictor = 2;
        if main {
            tags.document_name = Some(name.to_owned());
            tags.nodata = Some("-9999 ".to_owned());
            tags.geo.pixel_scale = vec![10.0, 10.0, 0.0];
            let west = 500_000.0 + 160.0 * f64::from(right);
            tags.geo.tiepoints = vec![0.0, 0.0, 0.0, west, 4_000_000.0, 0.0];
            tags.geo.keys = vec![1, 1, 0, 1, 3072, 0, 1, 32631];
        }
        let image = ImageLayout {
            lengths: vec![TILE; tags.block_count() as usize],
            tags,
        };
        LevelLayout {
            image,
            masks: Vec::new(),
        }
    };
    RecordLayout {
        levels: vec![
            level(80, 48, true),
            level(40, 24, false),
            level(20, 12, false),
        ],
        first_tile: (right, 0),
    }
}

fn mucog(records: &[RecordLayout], pattern: &str) -> Summary {
    let pattern = InterlacingPattern::parse(pattern).unwrap();
    let mut bytes = Vec::new();
    write_mucog(records, &pattern, Offsets::Auto, &mut Filler, &mut bytes).unwrap();
    inspect(&File::read(&bytes).unwrap(), bytes.len() as u64)
}

#[test]
fn the_order_of_the_blocks_is_recognised() {
    let records = [record("a", 2, 0), record("b", 2, 1), record("c", 2, 0)];
    for (pattern, _) in super::arrangement::PATTERNS {
        let summary = mucog(&records, pattern);
        assert_eq!(summary.arrangement.pattern.as_deref(), Some(pattern));
        assert_eq!(summary.kind, FileKind::Mucog, "{:?}", summary.not_optimised);
    }
    let odd = mucog(&records, "R=1>Z>T>B;R>Z>T>B");
    assert_eq!(odd.arrangement.pattern, None);
    assert_eq!(odd.arrangement.meaning, super::arrangement::UNKNOWN);
}

#[test]
fn a_time_series_takes_one_read_where_records_are_together() {
    let records = vec![record("a", 1, 0); 10];
    let same = |figure| Spread {
        least: figure,
        median: figure,
        most: figure,
    };
    let together = mucog(&records, "Z>T>R>B").series.unwrap();
    assert_eq!((together.places, together.records), (15, 10));
    assert_eq!((together.reads, together.bytes), (same(1), same(10 * TILE)));
    // 22 tiles of 200 bytes each lie between the tiles of one place: more than is read for nothing
    let apart = mucog(&records, "R>Z>T>B").series.unwrap();
    assert_eq!((apart.reads, apart.bytes), (same(10), same(10 * TILE)));
    // the first column is of the records on the left alone
    let moved = [record("a", 1, 0), record("b", 1, 1), record("c", 1, 0)];
    let moved = mucog(&moved, "Z>T>R>B").series.unwrap();
    assert_eq!((moved.places, moved.records), (18, 3));
    assert_eq!((moved.bytes.least, moved.bytes.most), (TILE, 3 * TILE));
}

#[test]
fn records_tell_what_they_are() {
    let mut second = record("b", 1, 0);
    second.levels[1].image.lengths[0] = 0;
    let summary = mucog(&[record("a", 1, 0), second], "Z>T>R>B");
    let [first, second] = summary.records.as_slice() else {
        panic!("{summary:?}")
    };
    assert_eq!(
        (first.subdir.as_str(), second.subdir.as_str()),
        ("GTIFF_DIR:1", "GTIFF_DIR:2")
    );
    assert_eq!(first.name.as_deref(), Some("a"));
    assert_eq!((first.sample_type.as_str(), first.bands), ("Int16", 1));
    assert_eq!((first.compression.as_str(), first.predictor), ("ZSTD", 2));
    assert_eq!(first.nodata.as_deref(), Some("-9999"));
    assert!(!first.alpha && !first.mask && !first.planar);
    let place = first.georeference.as_ref().unwrap();
    assert_eq!(place.epsg, Some(32631));
    assert_eq!(
        place.transform,
        [500_000.0, 10.0, 0.0, 4_000_000.0, 0.0, -10.0]
    );
    assert_eq!(first.levels.len(), 3);
    assert_eq!((first.sparse(), second.sparse()), ((0, 23), (1, 23)));
    assert_eq!(first.bytes(), 23 * TILE);
    assert!(first.is_like(second));
    assert_eq!(summary.bytes, summary.header_bytes + 45 * TILE);
}

#[test]
fn files_of_one_image_are_told_from_each_other() {
    let mut bytes = Vec::new();
    write_cog(&record("a", 1, 0), Offsets::Big, &mut Filler, &mut bytes).unwrap();
    let file = File::read(&bytes).unwrap();
    let summary = inspect(&file, bytes.len() as u64);
    assert_eq!((summary.kind, summary.not_optimised), (FileKind::Cog, None));
    assert!(summary.big_tiff && summary.ghost_area && !summary.big_endian);
    assert_eq!(summary.arrangement.pattern, None);
    assert!(summary.arrangement.meaning.contains("as in a COG"));
    assert_eq!(summary.records[0].subdir, "");

    let mut strips = file.clone();
    strips.records[0].levels[1].image.tiled = false;
    let summary = inspect(&strips, 0);
    assert_eq!(summary.kind, FileKind::Tiff);
    assert_eq!(
        summary.not_optimised.as_deref(),
        Some("level 1 is in strips")
    );

    let mut apart = file.clone();
    apart.records.push(file.records[0].clone());
    let tags = &mut apart.records[1].levels[0].image.tags;
    tags.geo.pixel_scale[0] = 11.0;
    let summary = inspect(&apart, 0);
    assert_eq!(summary.series, None, "no grid in common");
    assert_eq!(summary.arrangement.pattern, None, "the same blocks twice");
}
