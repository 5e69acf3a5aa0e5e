//! Opening files, and nothing but the file that is named.

use crate::{
    Error, Result,
    ffi::{Place, capture},
    file::OpenFile,
};
use domain::{Size, Uri};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags, Metadata, raster::RasterBand};
use std::ops::Deref;

/// Formats that are read: none of them refers to other files, but for what [`check_alone`] refuses.
pub(crate) const DRIVERS: [&str; 4] = ["GTiff", "JP2OpenJPEG", "PNG", "JPEG"];

/// A dataset of GDAL, and the place of its file in GDAL's file system: drivers may open it again by name as long as it is
/// open.
pub(super) struct Library {
    // before the place, so that it is closed first
    dataset: Dataset,
    place: Place,
}

impl Library {
    /// What GDAL said of the file, in the words of those who named it.
    pub(super) fn in_public(&self, reason: &str) -> String {
        self.place.in_public(reason)
    }
}

impl Deref for Library {
    type Target = Dataset;

    fn deref(&self) -> &Dataset {
        &self.dataset
    }
}

/// The name of a dataset in messages, and for GDAL.
pub(super) fn name(uri: &Uri, subdir: &str) -> String {
    address(uri.as_str(), subdir)
}

fn address(path: &str, subdir: &str) -> String {
    match subdir {
        "" => path.to_owned(),
        subdir => format!("{subdir}:{path}"),
    }
}

/// Opens a file that is open already, or one of its sub-datasets, for GDAL: through the same descriptor, or the same
/// version of the same object. `None` is an object where there is no store. Also returns the name that messages use.
pub(super) fn open(
    uri: &Uri,
    subdir: &str,
    opened: Option<&OpenFile>,
) -> Result<(Library, String)> {
    let name = name(uri, subdir);
    let Some(file) = opened else {
        return Err(Error::Unsupported(format!(
            "{name} cannot be opened: expected a local file, found {}",
            uri.scheme()
        )));
    };
    _ = file.take_failure();
    let place = Place::of(file.clone());
    let dataset = open_path(&address(&place.path(), subdir), uri, &name);
    match (dataset, file.take_failure()) {
        (Ok(dataset), _) => Ok((Library { dataset, place }, name)),
        (Err(_), Some(failure)) => Err(Error::opening(name, failure)),
        (Err(Error::Open { name, reason }), None) => {
            let reason = place.in_public(&reason);
            Err(Error::Open { name, reason })
        }
        (Err(error), None) => Err(error),
    }
}

fn open_path(address: &str, uri: &Uri, name: &str) -> Result<Dataset> {
    let file_name = uri.file_name();
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_RASTER
            | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR
            | GdalOpenFlags::GDAL_OF_INTERNAL,
        allowed_drivers: Some(&DRIVERS),
        open_options: None,
        sibling_files: Some(&[file_name]),
    };
    let (dataset, captured) = capture(|| Dataset::open_ex(address, options));
    let dataset = dataset.map_err(|error| Error::Open {
        name: name.to_owned(),
        reason: if captured.failed() {
            captured.text()
        } else {
            error.to_string()
        },
    })?;
    check_alone(&dataset, name)?;
    Ok(dataset)
}

/// Refuses a file whose own metadata names another one for its overviews: GDAL would open that one, whatever and
/// wherever it is, as soon as it is asked how many overviews there are.
fn check_alone(dataset: &Dataset, name: &str) -> Result<()> {
    match dataset.metadata_item("OVERVIEW_FILE", "OVERVIEWS") {
        None => Ok(()),
        Some(_) => Err(Error::Open {
            name: name.to_owned(),
            reason: "it refers to another file for its overviews".to_owned(),
        }),
    }
}

/// A band, from 1.
pub(super) fn band<'a>(dataset: &'a Dataset, name: &str, band: i32) -> Result<RasterBand<'a>> {
    let missing = || Error::NoBand {
        name: name.to_owned(),
        band,
    };
    let index = usize::try_from(band).map_err(|_| missing())?;
    if !(1..=dataset.raster_count()).contains(&index) {
        return Err(missing());
    }
    let (found, captured) = capture(|| dataset.rasterband(index));
    found.map_err(|_| Error::Open {
        name: name.to_owned(),
        reason: captured.text(),
    })
}

/// Sizes of the overviews of a band.
pub(super) fn overview_sizes(band: &RasterBand<'_>) -> Vec<Size> {
    let (sizes, _) = capture(|| {
        let count = band.overview_count().unwrap_or_default().max(0) as usize;
        let size = |index| {
            let (width, height) = band.overview(index).ok()?.size();
            Size::try_new(width as i64, height as i64).ok()
        };
        (0..count).map_while(size).collect()
    });
    sizes
}
