use std::path::{Path, PathBuf};

use cog::{
    Codec, EncodedTile, Encoder, Error, GeoTags, ImageLayout, ImageTags, LevelLayout, Offsets,
    RecordLayout, TileSource, write_cog,
};

use crate::gdal;

/// An image to be made: smooth with some noise, seeded so that records differ, zero in its upper left corner.
#[derive(Clone, Copy)]
pub struct Scene {
    pub width: u32,
    pub height: u32,
    /// `Byte`, `UInt16`, `Int16`, `UInt32`, `Float32` or `Float64`.
    pub kind: &'static str,
    pub bands: u16,
    pub seed: u32,
    /// Pixels between the origin of the scene and that of the grid.
    pub origin: (i32, i32),
}

impl Scene {
    pub fn new(seed: u32) -> Self {
        Self {
            width: 700,
            height: 500,
            kind: "UInt16",
            bands: 1,
            seed,
            origin: (0, 0),
        }
    }

    /// Writes it as a plain TIFF through the crate, then has GDAL rewrite it with these creation options and add
    /// overviews.
    pub fn make(&self, folder: &Path, options: &[&str], overviews: &[&str]) -> PathBuf {
        let plain = folder.join(format!("plain_{}.tif", self.seed));
        std::fs::write(&plain, self.plain()).unwrap();
        let made = folder.join(format!("made_{}.tif", self.seed));
        let mut arguments = vec![
            "-q",
            "-ot",
            self.kind,
            "-a_srs",
            "EPSG:32631",
            "-co",
            "TILED=YES",
        ];
        for option in options {
            arguments.extend(["-co", *option]);
        }
        arguments.extend([plain.to_str().unwrap(), made.to_str().unwrap()]);
        gdal::run("gdal_translate", &arguments);
        // What GDAL notes beside the file is not in the file.
        let _ = std::fs::remove_file(made.with_extension("tif.aux.xml"));
        if !overviews.is_empty() {
            // Overviews take no compression of their own unless it is configured.
            let compress = options
                .iter()
                .find_map(|option| option.strip_prefix("COMPRESS="))
                .unwrap_or("NONE");
            let predictor = options
                .iter()
                .find_map(|option| option.strip_prefix("PREDICTOR="))
                .unwrap_or("1");
            let mut arguments = vec![
                "-q",
                "-r",
                "nearest",
                "--config",
                "COMPRESS_OVERVIEW",
                compress,
            ];
            arguments.extend(["--config", "PREDICTOR_OVERVIEW", predictor]);
            if options.contains(&"SPARSE_OK=TRUE") {
                arguments.extend(["--config", "SPARSE_OK_OVERVIEW", "ON"]);
            }
            arguments.push(made.to_str().unwrap());
            arguments.extend(overviews);
            gdal::run("gdaladdo", &arguments);
        }
        made
    }

    fn value(&self, x: u32, y: u32, band: u32) -> u32 {
        if x < 300 && y < 200 {
            return 0;
        }
        let noise =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ self.seed.wrapping_mul(97))
                >> 28;
        1 + (x / 5 + y / 3 + 17 * self.seed + 31 * band + noise) % 250
    }

    /// Samples of one pixel-interleaved tile of 16 bits.
    fn tile(&self, across: u32, index: usize) -> Vec<u8> {
        let (left, top) = (index as u32 % across * 64, index as u32 / across * 64);
        let mut samples = Vec::new();
        for y in top..top + 64 {
            for x in left..left + 64 {
                for band in 0..u32::from(self.bands) {
                    samples.extend((self.value(x, y, band) as u16).to_ne_bytes());
                }
            }
        }
        samples
    }

    fn plain(&self) -> Vec<u8> {
        let bands = usize::from(self.bands);
        let mut tags = ImageTags::new(self.width, self.height, 64, 64, 16);
        tags.samples = self.bands;
        tags.bits_per_sample = vec![16; bands];
        tags.sample_format = vec![1; bands];
        tags.extra_samples = vec![0; bands - 1];
        tags.compression = Codec::Zstd(1).code();
        tags.predictor = 2;
        tags.nodata = Some("0".to_owned());
        let (x, y) = (
            500_000.0 + 10.0 * f64::from(self.origin.0),
            4_000_000.0 - 10.0 * f64::from(self.origin.1),
        );
        tags.geo = GeoTags {
            pixel_scale: vec![10.0, 10.0, 0.0],
            tiepoints: vec![0.0, 0.0, 0.0, x, y, 0.0],
            ..GeoTags::default()
        };
        let mut format = cog::BlockFormat::little_endian(64, 64, self.bands, 16);
        (format.compression, format.predictor) = (tags.compression, tags.predictor);
        let mut encoder = Encoder::new(Codec::Zstd(1)).unwrap();
        let tiles = (0..tags.block_count() as usize).map(|index| {
            let mut encoded = Vec::new();
            encoder
                .encode(
                    &format,
                    &self.tile(tags.blocks_across(), index),
                    &mut encoded,
                )
                .unwrap();
            encoded
        });
        let tiles = tiles.collect::<Vec<_>>();
        let lengths = tiles.iter().map(|tile| tile.len() as u64).collect();
        let level = LevelLayout {
            image: ImageLayout { tags, lengths },
            masks: Vec::new(),
        };
        let layout = RecordLayout {
            levels: vec![level],
            first_tile: (0, 0),
        };
        let mut out = Vec::new();
        write_cog(&layout, Offsets::Auto, &mut Held(tiles), &mut out).unwrap();
        out
    }
}

/// Tiles in memory.
struct Held(Vec<Vec<u8>>);

impl TileSource for Held {
    fn copy_tile(&mut self, tile: EncodedTile, out: &mut dyn std::io::Write) -> Result<(), Error> {
        out.write_all(&self.0[tile.index]).map_err(Error::Write)
    }
}
