use super::lines;
use cog::{
    ImageLayout, ImageTags, InterlacingPattern, LevelLayout, NoTiles, Offsets, RecordLayout,
};

/// Records of 64 x 64 pixels with an overview; nothing is stored.
fn records(count: usize) -> Vec<RecordLayout> {
    let level = |size, main: Option<usize>| {
        let mut tags = ImageTags::new(size, size, 16, 16, 8);
        if let Some(number) = main {
            tags.document_name = Some(format!("day {number}"));
            tags.nodata = Some("0".to_owned());
            tags.geo.pixel_scale = vec![10.0, 10.0, 0.0];
            tags.geo.tiepoints = vec![0.0, 0.0, 0.0, 500_000.0, 4_000_000.0, 0.0];
            tags.geo.keys = vec![1, 1, 0, 1, 3072, 0, 1, 32631];
        }
        let image = ImageLayout {
            lengths: vec![0; tags.block_count() as usize],
            tags,
        };
        LevelLayout {
            image,
            masks: Vec::new(),
        }
    };
    let record = |number| RecordLayout {
        levels: vec![level(64, Some(number)), level(32, None)],
        first_tile: (0, 0),
    };
    (0..count).map(record).collect()
}

fn described(records: &[RecordLayout], all: bool) -> Vec<String> {
    let pattern = InterlacingPattern::parse("Z>T>R>B").unwrap();
    let mut bytes = Vec::new();
    cog::write_mucog(records, &pattern, Offsets::Auto, &mut NoTiles, &mut bytes).unwrap();
    let file = cog::File::read(&bytes).unwrap();
    lines("a.tif", &cog::inspect(&file, bytes.len() as u64), all)
}

#[test]
fn columns_are_aligned_and_records_alike_are_told_once() {
    let lines = described(&records(3), false);
    assert_eq!(lines[0], "a.tif: MuCOG, 3 records, 1.9 kB");
    let text = lines[1..].join("\n");
    let expected = "  header       1.9 kB before the first block
  block order  no block is stored
  time series  no blocks in common

3 records like record 1
  samples      1 band of Byte, NONE, predictor 1
  validity     nodata 0
  place        EPSG:32631, origin 500000, 4000000, pixel 10 x -10
  level   pixels    block  blocks  sparse   stored    masks
  0      64 x 64  16 x 16      48      48  0 bytes  0 bytes
  1      32 x 32  16 x 16      12      12  0 bytes  0 bytes

  record  prefix       name     sparse   stored  origin
       1  GTIFF_DIR:1  day 0  20 of 20  0 bytes  500000, 4000000
       2  GTIFF_DIR:2  day 1  20 of 20  0 bytes  500000, 4000000
       3  GTIFF_DIR:3  day 2  20 of 20  0 bytes  500000, 4000000";
    assert_eq!(text, expected);
}

#[test]
fn a_hundred_records_are_listed_when_asked_for() {
    let short = described(&records(100), false);
    assert_eq!(short.last().unwrap(), "  80 more records: --all lists them");
    assert!(short.len() < 40, "{} lines", short.len());
    let long = described(&records(100), true);
    assert!(long.last().unwrap().contains("GTIFF_DIR:100"), "{long:?}");
}
