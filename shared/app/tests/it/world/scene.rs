//! Images that a test makes.

use cog::{
    BlockFormat, Codec, EncodedTile, Encoder, GeoTags, ImageLayout, ImageTags, LevelLayout,
    Offsets, RecordLayout, TileSource, write_cog,
};
use domain::GeoTransform;
use std::io::Write;
use std::path::Path;

/// Side of an image and of a cell, in pixels of 10 m.
pub const SIDE: u32 = 64;
/// North-west corner of the cell (0, 0), in EPSG:32631.
pub const ORIGIN: (f64, f64) = (500_000.0, 4_984_000.0);

/// A square image of 16 bits without its upper left corner, on the grid of the cells.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Makes its values.
    pub seed: u32,
    /// Pixels between the corner of the cell (0, 0) and that of the image, to the east and to the
    /// south.
    pub shift: (i32, i32),
}

pub fn transform(east: i32, south: i32) -> GeoTransform {
    let (x, y) = (
        ORIGIN.0 + 10.0 * f64::from(east),
        ORIGIN.1 - 10.0 * f64::from(south),
    );
    GeoTransform::try_new([x, 10.0, 0.0, y, 0.0, -10.0]).unwrap()
}

impl Scene {
    /// An image that fills the cell (0, 0).
    pub fn new(seed: u32) -> Self {
        Self {
            seed,
            shift: (0, 0),
        }
    }

    pub fn shifted(seed: u32, east: i32, south: i32) -> Self {
        Self {
            seed,
            shift: (east, south),
        }
    }

    /// Values of its pixels, row by row; 0 where there is nothing.
    pub fn pixels(&self) -> Vec<u16> {
        let value = |index: u32| {
            let (x, y) = (index % SIDE, index / SIDE);
            if x < 10 && y < 10 {
                0
            } else {
                (1 + (x * 7 + y * 13 + self.seed * 1009) % 9000) as u16
            }
        };
        (0..SIDE * SIDE).map(value).collect()
    }

    /// Writes it as a tiled file of one tile.
    pub fn write(&self, path: &Path) {
        let mut tags = ImageTags::new(SIDE, SIDE, SIDE, SIDE, 16);
        tags.compression = Codec::Zstd(1).code();
        tags.nodata = Some("0".to_owned());
        let origin = transform(self.shift.0, self.shift.1).0;
        tags.geo = GeoTags {
            pixel_scale: vec![10.0, 10.0, 0.0],
            tiepoints: vec![0.0, 0.0, 0.0, origin[0], origin[3], 0.0],
            // projected, pixels are areas, EPSG:32631
            keys: vec![1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631],
            ..GeoTags::default()
        };
        let mut format = BlockFormat::little_endian(SIDE, SIDE, 1, 16);
        format.compression = tags.compression;
        let samples: Vec<u8> = self
            .pixels()
            .into_iter()
            .flat_map(u16::to_ne_bytes)
            .collect();
        let mut tile = Vec::new();
        Encoder::new(Codec::Zstd(1))
            .unwrap()
            .encode(&format, &samples, &mut tile)
            .unwrap();
        let lengths = vec![tile.len() as u64];
        let level = LevelLayout {
            image: ImageLayout { tags, lengths },
            masks: Vec::new(),
        };
        let layout = RecordLayout {
            levels: vec![level],
            first_tile: (0, 0),
        };
        let mut file = Vec::new();
        write_cog(&layout, Offsets::Auto, &mut One(tile), &mut file).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file).unwrap();
    }
}

struct One(Vec<u8>);

impl TileSource for One {
    fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), cog::Error> {
        out.write_all(&self.0).map_err(cog::Error::Write)
    }
}
