//! Looking at files without reading pixels.

use super::{FileInfo, geotiff::Header, header, info, open};
use crate::{Crs, Error, Result};
use domain::{Bands, Uri};

/// A file that was opened to be described, once for all its bands.
pub struct FileHeader {
    name: String,
    content: Content,
}

enum Content {
    /// A plain GeoTIFF in a reference system that was met before.
    Tags(Box<Header>, Crs),
    Gdal(open::Library),
}

impl FileHeader {
    /// Opens a file, or one of its sub-datasets.
    ///
    /// # Errors
    /// [`Error::Open`] (`<name> cannot be opened: …`), where `<name>` is `<subdir>:<uri>`, or the URI without a
    /// subdir; [`Error::Unsupported`] for an object where no store is set.
    pub fn open(uri: &Uri, subdir: &str) -> Result<Self> {
        let name = open::name(uri, subdir);
        let opened = match header::open(uri) {
            Ok(opened) => opened,
            Err(error) => return Err(Error::opening(name, error)),
        };
        let file = opened.as_ref().map(|opened| &opened.file);
        let parsed = opened.as_ref().and_then(|opened| opened.header.as_ref());
        let tags = parsed.and_then(|file| Header::of(file, subdir));
        if let Some((tags, crs)) = tags.as_ref().and_then(|tags| Some((tags, tags.crs()?))) {
            let content = Content::Tags(Box::new(tags.clone()), crs);
            return Ok(Self { name, content });
        }
        let (dataset, name) = open::open(uri, subdir, file)?;
        if let Some(tags) = tags
            && let Ok(crs) = info::crs(&dataset, &name)
        {
            tags.remember(crs);
        }
        let content = Content::Gdal(dataset);
        Ok(Self { name, content })
    }

    /// What the file says of some of its bands.
    ///
    /// # Errors
    /// [`Error::NoBand`] (`<name> has no band: N`), [`Error::NoBounds`] or [`Error::Domain`] (`Invalid crs: …`) for
    /// a file that cannot be placed, [`Error::SampleType`] when the bands differ in type or have one that is not
    /// supported.
    pub fn info(&self, bands: &Bands) -> Result<FileInfo> {
        let (header, crs) = match &self.content {
            Content::Gdal(dataset) => return FileInfo::of(dataset, &self.name, bands),
            Content::Tags(header, crs) => (header, crs),
        };
        let exists = |band: i32| {
            usize::try_from(band).is_ok_and(|band| (1..=header.bands()).contains(&band))
        };
        let mut numbers = bands.numbers().iter().map(|band| i32::from(*band));
        let missing = numbers.find(|band| !exists(*band));
        match missing {
            Some(band) => Err(Error::NoBand {
                name: self.name.clone(),
                band,
            }),
            None => Ok(header.info(crs.clone())),
        }
    }
}

/// Opens a file and looks at it, without reading pixels.
///
/// # Errors
/// As [`FileHeader::open`] and [`FileHeader::info`].
pub fn inspect(uri: &Uri, subdir: &str, bands: &Bands) -> Result<FileInfo> {
    FileHeader::open(uri, subdir)?.info(bands)
}
