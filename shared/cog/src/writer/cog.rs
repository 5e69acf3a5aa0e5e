use std::io::Write;

use super::{
    EncodedTile, Offsets, RecordLayout, TileSource, directory::Directory, form::Form,
    layout::tags_at, output, with_form,
};
use crate::Error;

/// Bytes around a tile: its length before, its last four bytes after.
const LEADER: u64 = 4;
const TRAILER: u64 = 4;

/// Writes one record as a cloud-optimised file, as GDAL's COG driver lays it out. Returns the length of the file.
///
/// Directories (main image, its masks, first overview, its masks, …) come first, then the index arrays, then the
/// tiles from the smallest overview to the full resolution, row after row, each mask tile after its image tile.
///
/// # Errors
/// [`Error::Layout`] on an inconsistent record, [`Error::Overflow`] when classic offsets do not suffice,
/// [`Error::TileLength`] and the errors of the source and of `out`.
pub fn write_cog(
    record: &RecordLayout,
    offsets: Offsets,
    source: &mut dyn TileSource,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    record.check()?;
    let (head, end) = with_form(offsets, |form| head(record, form))?;
    output::put(out, &head)?;
    for tile in tiles(record) {
        let expected = length(record, tile);
        if expected > 0 {
            output::put(out, &(expected as u32).to_le_bytes())?;
            let tail = output::copy_tile(source, tile, expected, out)?;
            output::put(out, &tail)?;
        }
    }
    Ok(end)
}

/// Everything before the first tile, and the length of the file.
fn head(record: &RecordLayout, form: Form) -> Result<(Vec<u8>, u64), Error> {
    let ghost = ghost_area(record.levels.iter().any(|level| !level.masks.is_empty()));
    let mut directories = Vec::new();
    let mut of_level = Vec::new();
    for (at, level) in record.levels.iter().enumerate() {
        of_level.push(directories.len());
        for (position, image) in std::iter::once(&level.image)
            .chain(&level.masks)
            .enumerate()
        {
            let tags = tags_at(&image.tags, at, position > 0);
            directories.push(Directory::new(&tags, &image.lengths, 0, form)?);
        }
    }
    let mut end = form.header() + ghost.len() as u64;
    for directory in &mut directories {
        end = directory.place(end, form);
    }
    for at in 1..directories.len() {
        directories[at - 1].next = directories[at].offset;
    }
    for directory in &mut directories {
        end = directory.place_arrays(end, form);
    }
    form.check_end(end)?;
    for tile in tiles(record) {
        let len = length(record, tile);
        if len > 0 {
            let at = of_level[tile.level] + tile.mask.map_or(0, |mask| mask + 1);
            directories[at].tiles[tile.index] = end + LEADER;
            end = end
                .checked_add(LEADER + len + TRAILER)
                .ok_or(Error::Overflow)?;
        }
    }
    form.check_end(end)?;
    let mut head = form.start(directories[0].offset);
    head.extend(ghost.as_bytes());
    for directory in &directories {
        directory.write(&mut head, form);
    }
    for directory in &directories {
        directory.write_arrays(&mut head, form);
    }
    Ok((head, end))
}

fn length(record: &RecordLayout, tile: EncodedTile) -> u64 {
    let level = &record.levels[tile.level];
    tile.mask
        .map_or(&level.image, |mask| &level.masks[mask])
        .lengths[tile.index]
}

/// All the tiles in file order, sparse ones included.
fn tiles(record: &RecordLayout) -> impl Iterator<Item = EncodedTile> {
    record
        .levels
        .iter()
        .enumerate()
        .rev()
        .flat_map(|(level, found)| {
            let tags = &found.image.tags;
            let places = (0..tags.blocks_down())
                .flat_map(|y| (0..tags.blocks_across()).map(move |x| (x, y)));
            places.flat_map(move |(x, y)| {
                let tile = move |mask, index: Option<usize>| EncodedTile {
                    record: 0,
                    level,
                    mask,
                    index: index.unwrap_or_default(),
                };
                let image =
                    (0..tags.planes()).map(move |plane| tile(None, tags.block_index(plane, x, y)));
                let masks = found.masks.iter().enumerate();
                image.chain(
                    masks.map(move |(at, mask)| tile(Some(at), mask.tags.block_index(0, x, y))),
                )
            })
        })
}

/// What readers may rely on, as GDAL writes it.
fn ghost_area(masks: bool) -> String {
    let common = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n\
        BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
    if masks {
        format!(
            "GDAL_STRUCTURAL_METADATA_SIZE=000174 bytes\n{common}MASK_INTERLEAVED_WITH_IMAGERY=YES\n"
        )
    } else {
        format!("GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\n{common} ")
    }
}
