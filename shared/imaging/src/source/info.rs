//! What a file says of itself.

use super::open;
use crate::{
    Crs, Error, Result,
    dtype::{from_gdal, name_of},
    ffi::{capture, data_type},
};
use domain::{Bands, DType, GeoTransform, Size};
use gdal::{Dataset, Metadata, raster::RasterBand};

/// What indexing and reading need to know of a file.
#[derive(Clone, Debug)]
pub struct FileInfo {
    /// Pixels.
    pub size: Size,
    /// From pixels to coordinates, rotation included.
    pub transform: GeoTransform,
    /// Reference system; its [`Crs::srid`] is 0 when EPSG does not have it.
    pub crs: Crs,
    /// Common type of the indexed bands.
    pub dtype: DType,
    /// Whether every indexed band has at least one overview.
    pub overviews: bool,
    /// Number of bands of the file.
    pub bands: usize,
    /// Width and height of the blocks of the first indexed band.
    pub block: (usize, usize),
    /// Hole marker that the file declares for the first indexed band; reading goes by the mapping alone.
    pub no_data: Option<f64>,
}

impl FileInfo {
    pub(super) fn of(dataset: &Dataset, name: &str, bands: &Bands) -> Result<Self> {
        let indexed: Vec<RasterBand<'_>> = bands
            .numbers()
            .iter()
            .map(|band| open::band(dataset, name, i32::from(*band)))
            .collect::<Result<_>>()?;
        let Some(first) = indexed.first() else {
            return Err(Error::NoBand {
                name: name.to_owned(),
                band: 0,
            });
        };
        let (width, height) = dataset.raster_size();
        let size = Size::try_new(width as i64, height as i64)?;
        let transform = transform(dataset, name)?;
        let crs = crs(dataset, name)?;
        let dtype = common_type(indexed.iter().map(supported_type)).map_err(|reason| {
            let name = name.to_owned();
            Error::SampleType { name, reason }
        })?;
        let overviews = indexed
            .iter()
            .all(|band| band.overview_count().is_ok_and(|count| count > 0));
        Ok(Self {
            size,
            transform,
            crs,
            dtype,
            overviews,
            bands: dataset.raster_count(),
            block: first.block_size(),
            no_data: first.no_data_value(),
        })
    }
}

fn transform(dataset: &Dataset, name: &str) -> Result<GeoTransform> {
    let no_bounds = |reason: String| Error::NoBounds {
        name: name.to_owned(),
        reason,
    };
    let (coefficients, _) = capture(|| dataset.geo_transform());
    let coefficients =
        coefficients.map_err(|_| no_bounds("expected an affine georeference".to_owned()))?;
    GeoTransform::try_new(coefficients).map_err(|error| no_bounds(error.to_string()))
}

/// The reference system of an opened file.
pub(super) fn crs(dataset: &Dataset, name: &str) -> Result<Crs> {
    let (wkt, _) = capture(|| dataset.spatial_ref().and_then(|crs| crs.to_wkt()));
    let wkt = wkt.map_err(|_| Error::NoBounds {
        name: name.to_owned(),
        reason: "expected a reference system".to_owned(),
    })?;
    Crs::parse(&wkt)
}

/// The one type of some bands, or why there is none.
fn common_type(types: impl IntoIterator<Item = Result<DType, String>>) -> Result<DType, String> {
    let mut common = None;
    for dtype in types {
        let dtype = dtype?;
        match common {
            Some(found) if found != dtype => {
                return Err(format!(
                    "all bands must have the same data type (found {found} and {dtype})"
                ));
            }
            _ => common = Some(dtype),
        }
    }
    Ok(common.unwrap_or_default())
}

/// The type of a band, or why it has none of ours.
fn supported_type(band: &RasterBand<'_>) -> Result<DType, String> {
    sample_type(band).ok_or_else(|| {
        let name = name_of(data_type(band));
        format!("datatype not found or not supported ({name})")
    })
}

/// The type of a band, signed bytes included.
pub(super) fn sample_type(band: &RasterBand<'_>) -> Option<DType> {
    from_gdal(data_type(band), is_signed_byte(band))
}

/// Whether the bytes of a band are signed, which this release of GDAL tells beside the type.
pub(super) fn is_signed_byte(band: &RasterBand<'_>) -> bool {
    let pixel_type = band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE");
    pixel_type.as_deref() == Some("SIGNEDBYTE")
}

#[cfg(test)]
mod tests {
    use super::common_type;
    use domain::DType;

    #[test]
    fn bands_have_one_type() {
        let of = |types: &[DType]| common_type(types.iter().map(|dtype| Ok(*dtype)));
        assert_eq!(of(&[DType::UInt16; 3]), Ok(DType::UInt16));
        let mixed = of(&[DType::UInt16, DType::UInt16, DType::Float32]);
        let text = "all bands must have the same data type (found UINT16 and FLOAT32)";
        assert_eq!(mixed, Err(text.to_owned()));
        // the first band that is wrong is told
        let unknown = Err("not supported".to_owned());
        let of_three = [Ok(DType::UInt8), unknown.clone(), Ok(DType::Float32)];
        assert_eq!(common_type(of_three), unknown);
    }
}
