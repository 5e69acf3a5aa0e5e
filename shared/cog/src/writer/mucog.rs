use std::io::Write;

use super::{
    EncodedTile, LevelLayout, Offsets, RecordLayout, TileSource, directory::Directory, form::Form,
    layout::tags_at, output, with_form,
};
use crate::{Error, ImageTags, InterlacingPattern, LevelShape, Shape, TileRef, order};

/// Writes several records to one file, their tiles in the order of the pattern. A mask tile follows the tile of the
/// first plane of its image. Returns the length of the file.
///
/// Directories: the main images chained in record order, then the sub-directories: the first one of every record,
/// the second one of every record, and so on. All the index arrays follow, then the tiles without gaps.
///
/// # Errors
/// [`Error::Layout`] on inconsistent records, [`Error::Overflow`] when classic offsets do not suffice,
/// [`Error::TileLength`] and the errors of the source and of `out`.
pub fn write_mucog(
    records: &[RecordLayout],
    pattern: &InterlacingPattern,
    offsets: Offsets,
    source: &mut dyn TileSource,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    if records.is_empty() {
        return Err(Error::Layout("no record".to_owned()));
    }
    records.iter().try_for_each(RecordLayout::check)?;
    let shape = shape(records);
    let (head, end) = with_form(offsets, |form| {
        Draft::new(records, form)?.head(records, pattern, &shape)
    })?;
    output::put(out, &head)?;
    for tile in tiles(records, pattern, &shape) {
        let expected = length(records, tile);
        if expected > 0 {
            output::copy_tile(source, tile, expected, out)?;
        }
    }
    Ok(end)
}

/// Directories of a file in their order, and which one belongs to which image.
struct Draft<'a> {
    form: Form,
    directories: Vec<Directory<'a>>,
    /// Indices in `directories` of each record: its main image, then its sub-directories.
    of_record: Vec<Vec<usize>>,
}

impl<'a> Draft<'a> {
    fn new(records: &'a [RecordLayout], form: Form) -> Result<Self, Error> {
        let images = records.iter().map(images).collect::<Vec<_>>();
        let most = images.iter().map(Vec::len).max().unwrap_or(0);
        let mut draft = Self {
            form,
            directories: Vec::new(),
            of_record: vec![Vec::new(); records.len()],
        };
        for position in 0..most {
            for (record, images) in images.iter().enumerate() {
                let Some(&(level, mask)) = images.get(position) else {
                    continue;
                };
                let found = &records[record].levels[level];
                let image = mask.map_or(&found.image, |mask| &found.masks[mask]);
                let tags = tags_at(&image.tags, level, mask.is_some());
                let sub_ifds = if position == 0 { images.len() - 1 } else { 0 };
                draft.of_record[record].push(draft.directories.len());
                draft
                    .directories
                    .push(Directory::new(&tags, &image.lengths, sub_ifds, form)?);
            }
        }
        Ok(draft)
    }

    /// Everything before the first tile, and the length of the file.
    fn head(
        mut self,
        records: &[RecordLayout],
        pattern: &InterlacingPattern,
        shape: &Shape,
    ) -> Result<(Vec<u8>, u64), Error> {
        let form = self.form;
        let mut end = form.header();
        for directory in &mut self.directories {
            end = directory.place(end, form);
        }
        for directory in &mut self.directories {
            end = directory.place_arrays(end, form);
        }
        form.check_end(end)?;
        let first_tile = end;
        for tile in tiles(records, pattern, shape) {
            let len = length(records, tile);
            if len > 0 {
                let position = position(&records[tile.record], tile);
                self.directories[self.of_record[tile.record][position]].tiles[tile.index] = end;
                end = end.checked_add(len).ok_or(Error::Overflow)?;
            }
        }
        form.check_end(end)?;
        self.link(records.len());
        let mut head = form.start(form.header());
        for directory in &self.directories {
            directory.write(&mut head, form);
        }
        for directory in &self.directories {
            directory.write_arrays(&mut head, form);
        }
        debug_assert_eq!(head.len() as u64, first_tile);
        Ok((head, end))
    }

    /// Chains the main directories and makes each refer to its sub-directories.
    fn link(&mut self, records: usize) {
        for record in 0..records {
            let at = self.of_record[record][0];
            let subs = self.of_record[record][1..]
                .iter()
                .map(|sub| self.directories[*sub].offset);
            let subs = subs.collect::<Vec<_>>();
            self.directories[at].refer_to(&subs, self.form);
            if record + 1 < records {
                self.directories[at].next = self.directories[self.of_record[record + 1][0]].offset;
            }
        }
    }
}

/// Level and mask of each image of a record in the order of its directories.
fn images(record: &RecordLayout) -> Vec<(usize, Option<usize>)> {
    let of_level = |(level, found): (usize, &LevelLayout)| {
        std::iter::once((level, None))
            .chain((0..found.masks.len()).map(move |mask| (level, Some(mask))))
    };
    record
        .levels
        .iter()
        .enumerate()
        .flat_map(of_level)
        .collect()
}

/// Index of the image of a tile in [`images`].
fn position(record: &RecordLayout, tile: EncodedTile) -> usize {
    let before: usize = record.levels[..tile.level]
        .iter()
        .map(|level| 1 + level.masks.len())
        .sum();
    before + tile.mask.map_or(0, |mask| mask + 1)
}

fn length(records: &[RecordLayout], tile: EncodedTile) -> u64 {
    let level = &records[tile.record].levels[tile.level];
    tile.mask
        .map_or(&level.image, |mask| &level.masks[mask])
        .lengths[tile.index]
}

fn shape(records: &[RecordLayout]) -> Shape {
    let of_record = |record: &RecordLayout| {
        let full = &record.levels[0].image.tags;
        record
            .levels
            .iter()
            .map(|level| level_shape(record.first_tile, full, &level.image.tags))
            .collect()
    };
    Shape {
        records: records.iter().map(of_record).collect(),
    }
}

/// The first tile of an overview is that of the full resolution, scaled down.
pub(crate) fn level_shape(
    first_tile: (u32, u32),
    full: &ImageTags,
    tags: &ImageTags,
) -> LevelShape {
    let scaled = |first: u32, size: u32, full: u32| {
        // Overviews are not larger than the full resolution in practice; the clamp keeps any input harmless.
        (u64::from(first) * u64::from(size) / u64::from(full)).min(u64::from(u32::MAX)) as u32
    };
    LevelShape {
        planes: tags.planes(),
        x0: scaled(first_tile.0, tags.width, full.width),
        y0: scaled(first_tile.1, tags.height, full.height),
        tiles_x: tags.blocks_across(),
        tiles_y: tags.blocks_down(),
    }
}

/// All the tiles in file order, sparse ones included.
fn tiles(
    records: &[RecordLayout],
    pattern: &InterlacingPattern,
    shape: &Shape,
) -> impl Iterator<Item = EncodedTile> {
    order(pattern, shape).flat_map(move |tile| {
        let TileRef {
            record,
            level,
            plane,
            x,
            y,
        } = tile;
        let (record, level) = (record as usize, level as usize);
        let found = &records[record].levels[level];
        let origin = shape.records[record][level];
        let (x, y) = (x - origin.x0, y - origin.y0);
        let index = |tags: &ImageTags, plane| tags.block_index(plane, x, y).unwrap_or_default();
        let image = EncodedTile {
            record,
            level,
            mask: None,
            index: index(&found.image.tags, plane),
        };
        let masks = if plane == 0 {
            found.masks.as_slice()
        } else {
            &[]
        };
        let mask = masks
            .iter()
            .enumerate()
            .map(move |(mask, layout)| EncodedTile {
                record,
                level,
                mask: Some(mask),
                index: layout.tags.block_index(0, x, y).unwrap_or_default(),
            });
        std::iter::once(image).chain(mask)
    })
}
