mod grid;

pub(crate) use grid::tile_offset;

use std::io::Write;

use crate::{
    EncodedTile, Error, File, Image, ImageLayout, InterlacingPattern, Level, LevelLayout, Offsets,
    ReadAt, Record, RecordLayout, TileSource, source::read_exact, write_cog, write_mucog,
};

/// Bytes copied at once.
const CHUNK: usize = 1 << 20;

/// A record to put in a file, its tiles already encoded in a tiled TIFF.
#[derive(Debug)]
pub struct TiledSource<R> {
    reader: R,
    record: Record,
    name: String,
}

impl<R: ReadAt> TiledSource<R> {
    /// The only record of a file. `name` becomes its document name when the file gives none.
    ///
    /// # Errors
    /// As [`File::read`], and as [`TiledSource::new`]; [`Error::Unsupported`] when the file has several records.
    pub fn open(reader: R, name: impl Into<String>) -> Result<Self, Error> {
        let mut records = File::read(&reader)?.records;
        match (records.pop(), records.len()) {
            (Some(record), 0) => Self::new(reader, record, name),
            (_, more) => Err(Error::Unsupported(format!(
                "{} records, expected one",
                more + 1
            ))),
        }
    }

    /// One record of a file read before.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for strips or big-endian samples, [`Error::Corrupt`] for tiles outside of the file.
    pub fn new(reader: R, record: Record, name: impl Into<String>) -> Result<Self, Error> {
        let len = reader.len();
        for image in images(&record) {
            if !image.tiled {
                return Err(Error::Unsupported("strips, expected tiles".to_owned()));
            }
            if image.tags.fill_order != 1 {
                return Err(Error::Unsupported(
                    "bits from the lowest one of a byte, expected from the highest one".to_owned(),
                ));
            }
            if image.byte_order == crate::ByteOrder::Big {
                return Err(Error::Unsupported(
                    "big-endian file, expected little-endian".to_owned(),
                ));
            }
            if image
                .blocks
                .iter()
                .any(|block| !block.is_sparse() && block.end() > len)
            {
                return Err(Error::corrupt("a tile lies outside of the file"));
            }
        }
        Ok(Self {
            reader,
            record,
            name: name.into(),
        })
    }

    /// Its images.
    pub fn record(&self) -> &Record {
        &self.record
    }

    fn layout(&self, first_tile: (u32, u32)) -> RecordLayout {
        let level = |level: &Level| LevelLayout {
            image: image_layout(&level.image),
            masks: level.masks.iter().map(image_layout).collect(),
        };
        RecordLayout {
            levels: self.record.levels.iter().map(level).collect(),
            first_tile,
        }
    }
}

fn images(record: &Record) -> impl Iterator<Item = &Image> {
    record
        .levels
        .iter()
        .flat_map(|level| std::iter::once(&level.image).chain(&level.masks))
}

fn image_layout(image: &Image) -> ImageLayout {
    let length = |block: &crate::Block| if block.is_sparse() { 0 } else { block.len };
    ImageLayout {
        tags: image.tags.clone(),
        lengths: image.blocks.iter().map(length).collect(),
    }
}

/// Writes the records to one file without decoding a tile. Returns the length of the file.
///
/// All records must have the tile size and pixel size of the first one, and lie on one tile grid.
///
/// # Errors
/// [`Error::Mismatch`] names the record that does not fit and why; otherwise as [`write_mucog`].
pub fn assemble_mucog<R: ReadAt>(
    records: &[TiledSource<R>],
    pattern: &InterlacingPattern,
    offsets: Offsets,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let first_tiles = grid::first_tiles(records)?;
    let mut layouts = Vec::with_capacity(records.len());
    for (record, first_tile) in records.iter().zip(first_tiles) {
        let mut layout = record.layout(first_tile);
        let name = &mut layout.levels[0].image.tags.document_name;
        name.get_or_insert_with(|| record.name.clone());
        layouts.push(layout);
    }
    write_mucog(&layouts, pattern, offsets, &mut Tiles::of(records), out)
}

/// Writes one record as a cloud-optimised file without decoding a tile. Returns the length of the file.
///
/// # Errors
/// As [`write_cog`].
pub fn assemble_cog<R: ReadAt>(
    record: &TiledSource<R>,
    offsets: Offsets,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let tiles = &mut Tiles::of(std::slice::from_ref(record));
    write_cog(&record.layout((0, 0)), offsets, tiles, out)
}

/// Copies tiles from the files of the records.
struct Tiles<'a, R> {
    records: &'a [TiledSource<R>],
    buffer: Vec<u8>,
}

impl<'a, R: ReadAt> Tiles<'a, R> {
    fn of(records: &'a [TiledSource<R>]) -> Self {
        Self {
            records,
            buffer: Vec::new(),
        }
    }
}

impl<R: ReadAt> TileSource for Tiles<'_, R> {
    fn copy_tile(&mut self, tile: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
        let source = &self.records[tile.record];
        let level = &source.record.levels[tile.level];
        let image = tile.mask.map_or(&level.image, |mask| &level.masks[mask]);
        let block = image.blocks[tile.index];
        let mut offset = block.offset;
        while offset < block.end() {
            let len = (block.end() - offset).min(CHUNK as u64);
            self.buffer.resize(len as usize, 0);
            read_exact(&source.reader, offset, &mut self.buffer)?;
            out.write_all(&self.buffer).map_err(Error::Write)?;
            offset += len;
        }
        Ok(())
    }
}
