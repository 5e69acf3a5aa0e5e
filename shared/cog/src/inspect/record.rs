//! One image and what belongs to it.

use serde::Serialize;

use super::names;
use crate::{Block, File, Image, Record};

const PROJECTED_KEY: u16 = 3072;
const GEOGRAPHIC_KEY: u16 = 2048;
/// Code of a reference system that the file spells out.
const USER_DEFINED: u16 = 32767;
const ASSOCIATED_ALPHA: u16 = 1;
const UNASSOCIATED_ALPHA: u16 = 2;

/// One image and what belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordSummary {
    /// Prefix under which GDAL opens it: `GTIFF_DIR:<n>`, empty in a file of one image.
    pub subdir: String,
    /// Name that the file gives it.
    pub name: Option<String>,
    /// Number of bands, alpha included.
    pub bands: u16,
    /// Type of the samples of the first band, as GDAL names it.
    pub sample_type: String,
    /// Name of the compression.
    pub compression: String,
    /// TIFF predictor: 1 none, 2 horizontal differences, 3 floating point.
    pub predictor: u16,
    /// Whether each band lies apart.
    pub planar: bool,
    /// Hole marker as the file writes it.
    pub nodata: Option<String>,
    /// Whether a band is its transparency.
    pub alpha: bool,
    /// Whether it has a validity mask.
    pub mask: bool,
    /// Its place on the globe.
    pub georeference: Option<Georeference>,
    /// The image itself, then its overviews from the largest to the smallest.
    pub levels: Vec<LevelSummary>,
}

/// A place on the globe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Georeference {
    /// From pixels to coordinates, in GDAL's order.
    pub transform: [f64; 6],
    /// Code of the reference system, where the file names one.
    pub epsg: Option<u16>,
}

/// An image at one resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelSummary {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pixels per row of a block.
    pub block_width: u32,
    /// Rows of a block.
    pub block_height: u32,
    /// Tiles, or strips.
    pub tiled: bool,
    /// Number of blocks.
    pub blocks: u64,
    /// How many of them are not stored.
    pub sparse: u64,
    /// Bytes of those that are.
    pub bytes: u64,
    /// Bytes of the masks.
    pub mask_bytes: u64,
}

impl RecordSummary {
    /// Bytes of all the blocks that are stored, masks included.
    pub fn bytes(&self) -> u64 {
        let bytes = |level: &LevelSummary| level.bytes.saturating_add(level.mask_bytes);
        self.levels.iter().map(bytes).fold(0, u64::saturating_add)
    }

    /// Blocks that are not stored, and all blocks.
    pub fn sparse(&self) -> (u64, u64) {
        let add = |(sparse, all), level: &LevelSummary| (sparse + level.sparse, all + level.blocks);
        self.levels.iter().fold((0, 0), add)
    }

    /// Whether another record is made in the same way: all but its name, its place and its blocks.
    pub fn is_like(&self, other: &Self) -> bool {
        let shape = |record: &Self| {
            let level = |level: &LevelSummary| {
                let sizes = [
                    level.width,
                    level.height,
                    level.block_width,
                    level.block_height,
                ];
                (sizes, level.tiled)
            };
            record.levels.iter().map(level).collect::<Vec<_>>()
        };
        let epsg = |record: &Self| record.georeference.as_ref().map(|place| place.epsg);
        let form = |record: &Self| {
            (
                record.bands,
                record.predictor,
                record.planar,
                record.alpha,
                record.mask,
            )
        };
        form(self) == form(other)
            && self.sample_type == other.sample_type
            && self.compression == other.compression
            && self.nodata == other.nodata
            && epsg(self) == epsg(other)
            && shape(self) == shape(other)
    }
}

/// All stored blocks of a record, those of its masks included.
pub(super) fn blocks(record: &Record) -> impl Iterator<Item = Block> {
    let images = record
        .levels
        .iter()
        .flat_map(|level| std::iter::once(&level.image).chain(&level.masks));
    images.flat_map(stored)
}

fn stored(image: &Image) -> impl Iterator<Item = Block> {
    let blocks = image.blocks.iter().copied();
    blocks.filter(|block| !block.is_sparse())
}

fn bytes<'a>(images: impl IntoIterator<Item = &'a Image>) -> u64 {
    let blocks = images.into_iter().flat_map(stored);
    blocks.map(|block| block.len).fold(0, u64::saturating_add)
}

/// The records of a file.
pub(super) fn summaries(file: &File) -> Vec<RecordSummary> {
    let several = file.records.len() > 1;
    let subdir = |record: &Record| {
        let offset = record.main().ifd_offset;
        let at = file.directories.iter().position(|one| *one == offset);
        at.filter(|_| several)
            .map_or_else(String::new, |at| format!("GTIFF_DIR:{}", at + 1))
    };
    let summary = |record| summary(record, subdir(record));
    file.records.iter().map(summary).collect()
}

fn summary(record: &Record, subdir: String) -> RecordSummary {
    let main = record.main();
    let tags = &main.tags;
    let is_alpha = |kind: &u16| matches!(*kind, ASSOCIATED_ALPHA | UNASSOCIATED_ALPHA);
    RecordSummary {
        subdir,
        name: tags.document_name.clone(),
        bands: tags.samples,
        sample_type: names::sample_type(tags),
        compression: names::compression(tags.compression),
        predictor: tags.predictor,
        planar: tags.planes() > 1,
        nodata: tags.nodata.as_ref().map(|text| text.trim().to_owned()),
        alpha: tags.extra_samples.iter().any(is_alpha),
        mask: !record.levels[0].masks.is_empty(),
        georeference: georeference(main),
        levels: record
            .levels
            .iter()
            .map(|level| {
                let (image, tags) = (&level.image, &level.image.tags);
                LevelSummary {
                    width: tags.width,
                    height: tags.height,
                    block_width: tags.block_width,
                    block_height: tags.block_height,
                    tiled: image.tiled,
                    blocks: image.blocks.len() as u64,
                    sparse: (image.blocks.len() - stored(image).count()) as u64,
                    bytes: bytes([image]),
                    mask_bytes: bytes(&level.masks),
                }
            })
            .collect(),
    }
}

fn georeference(image: &Image) -> Option<Georeference> {
    let geo = &image.tags.geo;
    let code = |key| {
        geo.key(key)
            .filter(|code| ![0, USER_DEFINED].contains(code))
    };
    Some(Georeference {
        transform: image.geo_transform()?,
        epsg: code(PROJECTED_KEY).or_else(|| code(GEOGRAPHIC_KEY)),
    })
}
