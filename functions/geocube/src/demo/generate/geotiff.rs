//! A tiled `GeoTIFF` of three 16-bit bands.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use cog::{
    BlockFormat, Codec, EncodedTile, Encoder, GeoTags, ImageLayout, ImageTags, LevelLayout,
    Offsets, RecordLayout, TileSource, write_cog,
};
use domain::GeoTransform;

const BANDS: u16 = 3;
const TILE: u32 = 128;
/// Horizontal differences.
const PREDICTOR: u16 = 2;
const RGB: u16 = 2;

/// Writes a square image, bands of a pixel together. Its side is a multiple of the tile's.
///
/// # Errors
/// Those of the encoder and of the file.
pub fn write(
    path: &Path,
    samples: &[u16],
    side: u32,
    transform: &GeoTransform,
    srid: i32,
    no_data: u16,
) -> anyhow::Result<()> {
    let tiles = encode(samples, side)?;
    let codec = Codec::Deflate(6);
    let tags = ImageTags {
        samples: BANDS,
        bits_per_sample: vec![16; usize::from(BANDS)],
        sample_format: vec![1; usize::from(BANDS)],
        compression: codec.code(),
        predictor: PREDICTOR,
        photometric: RGB,
        nodata: Some(no_data.to_string()),
        geo: geo_tags(transform, u16::try_from(srid)?),
        ..ImageTags::new(side, side, TILE, TILE, 16)
    };
    let image = ImageLayout {
        tags,
        lengths: tiles.0.iter().map(|tile| tile.len() as u64).collect(),
    };
    let record = RecordLayout {
        levels: vec![LevelLayout {
            image,
            masks: Vec::new(),
        }],
        first_tile: (0, 0),
    };
    let mut tiles = tiles;
    let mut file = BufWriter::new(File::create(path)?);
    write_cog(&record, Offsets::Auto, &mut tiles, &mut file)?;
    file.flush()?;
    Ok(())
}

struct Tiles(Vec<Vec<u8>>);

impl TileSource for Tiles {
    fn copy_tile(&mut self, tile: EncodedTile, out: &mut dyn Write) -> Result<(), cog::Error> {
        out.write_all(&self.0[tile.index])
            .map_err(cog::Error::Write)
    }
}

fn encode(samples: &[u16], side: u32) -> anyhow::Result<Tiles> {
    let codec = Codec::Deflate(6);
    let mut encoder = Encoder::new(codec)?;
    let format = BlockFormat {
        compression: codec.code(),
        predictor: PREDICTOR,
        ..BlockFormat::little_endian(TILE, TILE, BANDS, 16)
    };
    let row_samples = (side * u32::from(BANDS)) as usize;
    let tile_samples = (TILE * u32::from(BANDS)) as usize;
    let mut tiles = Vec::new();
    for y in (0..side).step_by(TILE as usize) {
        for x in (0..side).step_by(TILE as usize) {
            let mut block = Vec::with_capacity(format.decoded_bytes()?);
            for row in y..y + TILE {
                let start = row as usize * row_samples + (x * u32::from(BANDS)) as usize;
                let row = &samples[start..start + tile_samples];
                block.extend(row.iter().flat_map(|sample| sample.to_ne_bytes()));
            }
            let mut encoded = Vec::new();
            encoder.encode(&format, &block, &mut encoded)?;
            tiles.push(encoded);
        }
    }
    Ok(Tiles(tiles))
}

/// North-up, the reference system by its code.
fn geo_tags(transform: &GeoTransform, srid: u16) -> GeoTags {
    let [left, x_step, _, top, _, y_step] = transform.0;
    GeoTags {
        pixel_scale: vec![x_step, -y_step, 0.0],
        tiepoints: vec![0.0, 0.0, 0.0, left, top, 0.0],
        // version 1.1.0, then: projected, pixels are areas, the code
        #[rustfmt::skip]
        keys: vec![
            1, 1, 0, 3,
            1024, 0, 1, 1,
            1025, 0, 1, 1,
            3072, 0, 1, srid,
        ],
        ..GeoTags::default()
    }
}
