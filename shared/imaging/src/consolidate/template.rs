//! What the directories of a record say: taken from a file without pixels that GDAL writes.

use super::{
    ConsolidateSpec, assembling,
    library::{blocks_suit_overviews, close, create, create_overview, flush, without_unused},
    options,
    overviews::build_overviews,
};
use crate::{Error, Result, memory_file::MemoryFile};
use cog::Image;

/// Creates the directories of overviews, and no pixels of them.
const NO_PIXELS: &str = "NONE";

/// The images of the levels of a record without data, the full resolution first.
pub(super) fn images(spec: &ConsolidateSpec) -> Result<Vec<Image>> {
    let format = spec.output_mapping().format;
    let factors = spec.overview_factors();
    let inside = blocks_suit_overviews(spec.block());
    let full = MemoryFile::new();
    let options = options::creation(spec);
    let mut file = create(spec, &format, full.path(), spec.target.size, &options)?;
    if inside && !factors.is_empty() {
        flush(&mut file)?;
        build_overviews(&mut file, &factors, NO_PIXELS, &options::overviews(spec))
            .map_err(|reason| Error::gdal("creating overviews", reason))?;
    }
    close(file)?;
    let mut images = images_of(full)?;
    if !inside {
        for factor in factors {
            let overview = MemoryFile::new();
            close(create_overview(spec, &format, overview.path(), factor)?)?;
            images.extend(images_of(overview)?);
        }
    }
    Ok(images)
}

fn images_of(file: MemoryFile) -> Result<Vec<Image>> {
    let path = file.path().to_owned();
    let bytes = file
        .take()
        .map_err(|reason| Error::gdal("reading a header", reason))?;
    let header = cog::File::read(&bytes).map_err(|source| assembling(&path, source))?;
    let levels = header.records.into_iter().flat_map(|record| record.levels);
    let images = levels.map(|level| level.image);
    Ok(images.map(without_unused).collect())
}
