use crate::{
    Crs, Error, Image, Result,
    ffi::capture,
    memory_file::{MemoryFile, reason},
};
use domain::{DType, GeoTransform};
use gdal::{Dataset, DriverManager, Metadata, cpl::CslStringList, raster::RasterCreationOptions};

/// Encodes an image as a `GeoTIFF` with the library's default creation options: strips, no compression.
///
/// The image is borrowed mutably only to share its pixels with the library, which does not change them. Tags become
/// metadata items of the default domain. The no-data value is that of the image.
///
/// # Errors
/// [`Error::Gdal`] when the library refuses.
pub fn encode_gtiff<'t>(
    image: &mut Image,
    crs: &Crs,
    transform: &GeoTransform,
    tags: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> Result<Vec<u8>> {
    const ACTION: &str = "encoding a GeoTIFF";
    let failed = |reason: String| Error::gdal(ACTION, reason);
    let handle = crs.spatial_ref()?;
    let (dtype, bands, no_data) = (image.dtype(), image.bands(), image.no_data());
    let mut memory = image.raster_mut().dataset().map_err(failed)?;
    memory.place(transform, &handle).map_err(failed)?;
    let (described, captured) = capture(|| describe(memory.dataset_mut(), bands, no_data, tags));
    described.map_err(|error| failed(reason(&captured, &error)))?;

    let file = MemoryFile::new();
    let options = creation_options(dtype).map_err(|error| failed(error.to_string()))?;
    let (written, captured) = capture(|| {
        let driver = DriverManager::get_driver_by_name("GTiff")?;
        let dataset = memory
            .dataset()
            .create_copy(&driver, file.path(), &options)?;
        dataset.close()
    });
    match written {
        Ok(()) if !captured.failed() => file.take().map_err(failed),
        Ok(()) => Err(failed(captured.text())),
        Err(error) => Err(failed(reason(&captured, &error))),
    }
}

fn describe<'t>(
    dataset: &mut Dataset,
    bands: usize,
    no_data: Option<f64>,
    tags: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> gdal::errors::Result<()> {
    for band in 1..=bands {
        if let Some(no_data) = no_data {
            dataset.rasterband(band)?.set_no_data_value(Some(no_data))?;
        }
    }
    for (key, value) in tags {
        // The item would be cut at the first of these characters.
        let key = key.replace(['=', ':', '\0'], "_");
        let value = value.replace('\0', " ");
        dataset.set_metadata_item(&key, &value, "")?;
    }
    Ok(())
}

fn creation_options(dtype: DType) -> gdal::errors::Result<RasterCreationOptions> {
    let mut options = CslStringList::new();
    if dtype == DType::Int8 {
        options.set_name_value("PIXELTYPE", "SIGNEDBYTE")?;
    }
    Ok(options)
}
