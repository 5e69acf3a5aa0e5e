//! What a file is made of, for people who ask why reading it is slow, or whether it is what they meant to write.

mod arrangement;
mod names;
mod record;
mod series;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use record::{Georeference, LevelSummary, RecordSummary};
pub use series::{Series, Spread};

use crate::{ByteOrder, File, validate_cog};

/// The structure of a file. Its JSON is for programs; members may be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Size of the file.
    pub bytes: u64,
    /// Bytes before the first stored block: what has to be read to know where everything is.
    pub header_bytes: u64,
    /// What the file is taken for.
    pub kind: FileKind,
    /// Why it is not cloud-optimised, where it is not.
    pub not_optimised: Option<String>,
    /// True for `BigTIFF`, whose offsets have 64 bits.
    pub big_tiff: bool,
    /// True when numbers begin with their highest byte.
    pub big_endian: bool,
    /// True when the writer promised that directories come first.
    pub ghost_area: bool,
    /// Order in which the blocks lie in the file.
    pub arrangement: Arrangement,
    /// What reading one block of all the records takes; nothing when the records share no grid of blocks.
    pub series: Option<Series>,
    /// The images with what belongs to each.
    pub records: Vec<RecordSummary>,
}

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// One image, cloud-optimised.
    Cog,
    /// Several images in tiles behind all the directories.
    Mucog,
    /// One image that is not cloud-optimised.
    Tiff,
    /// Several images, not all in tiles or not behind all the directories.
    MultiTiff,
}

/// Order in which the blocks lie in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrangement {
    /// The interlacing pattern that gives this order, if one does.
    pub pattern: Option<String>,
    /// In words.
    pub meaning: &'static str,
}

/// Describes a file of `bytes` bytes, looking at its directories only.
///
/// ```
/// # let tags = cog::ImageTags::new(4, 4, 16, 16, 8);
/// # let image = cog::ImageLayout { tags, lengths: vec![0] };
/// # let record = cog::RecordLayout { levels: vec![cog::LevelLayout { image, masks: vec![] }], first_tile: (0, 0) };
/// # let mut bytes = Vec::new();
/// # cog::write_cog(&record, cog::Offsets::Auto, &mut cog::NoTiles, &mut bytes).unwrap();
/// let file = cog::File::read(&bytes)?;
/// let summary = cog::inspect(&file, bytes.len() as u64);
/// assert_eq!(summary.kind, cog::FileKind::Cog);
/// assert_eq!(summary.records[0].levels[0].sparse, 1);
/// # Ok::<(), cog::Error>(())
/// ```
pub fn inspect(file: &File, bytes: u64) -> Summary {
    let (kind, not_optimised) = kind(file);
    let blocks = file.records.iter().flat_map(record::blocks);
    let header_bytes = blocks.map(|block| block.offset).min().unwrap_or(bytes);
    Summary {
        bytes,
        header_bytes,
        kind,
        not_optimised,
        big_tiff: file.big,
        big_endian: file.byte_order == ByteOrder::Big,
        ghost_area: file.ghost.as_ref().is_some_and(crate::GhostArea::is_cog),
        arrangement: arrangement::recognise(file),
        series: Series::of(file),
        records: record::summaries(file),
    }
}

fn kind(file: &File) -> (FileKind, Option<String>) {
    let several = file.records.len() > 1;
    let fault = fault(file);
    let kind = match (several, &fault) {
        (false, None) => FileKind::Cog,
        (true, None) => FileKind::Mucog,
        (false, Some(_)) => FileKind::Tiff,
        (true, Some(_)) => FileKind::MultiTiff,
    };
    (kind, fault)
}

/// The first reason for which a reader over a network would suffer.
fn fault(file: &File) -> Option<String> {
    for (number, record) in (1..).zip(&file.records) {
        let told = |text: String| match file.records.len() {
            1 => text,
            _ => format!("record {number}: {text}"),
        };
        if let Some(level) = record.levels.iter().position(|level| !level.image.tiled) {
            return Some(told(format!("level {level} is in strips")));
        }
        if let Err(broken) = validate_cog(record) {
            return Some(told(broken.to_string()));
        }
    }
    let images = || {
        let levels = file.records.iter().flat_map(|record| &record.levels);
        levels.flat_map(|level| std::iter::once(&level.image).chain(&level.masks))
    };
    let last_directory = images().map(|image| image.ifd_offset).max();
    let first_block = file.records.iter().flat_map(record::blocks);
    let first_block = first_block.map(|block| block.offset).min();
    (first_block.is_some() && first_block < last_directory)
        .then(|| "pixels precede a directory".to_owned())
}
