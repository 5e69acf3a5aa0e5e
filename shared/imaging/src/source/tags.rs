//! What the tags of an image of a TIFF file say in one way only, whoever reads them.

use cog::{Image, ImageTags};
use domain::{DType, GeoTransform, Size};

/// Width and height.
pub(super) fn size(image: &Image) -> Option<Size> {
    Size::try_new(i64::from(image.tags.width), i64::from(image.tags.height)).ok()
}

/// The place on the globe, where it is told in one of the two usual ways: by a scale and the corner of one pixel, or
/// by a matrix alone.
pub(super) fn transform(image: &Image) -> Option<GeoTransform> {
    let geo = &image.tags.geo;
    let (tied, matrix) = (geo.tiepoints.len(), geo.transformation.len());
    let usual = match (geo.pixel_scale.as_slice(), tied, matrix) {
        ([x, y, _], 6, 0) => *x > 0.0 && *y > 0.0,
        ([], 0, 16) => true,
        _ => false,
    };
    let coefficients = image.geo_transform().filter(|_| usual)?;
    GeoTransform::try_new(coefficients).ok()
}

/// The type of the samples when it is that of all of them.
pub(super) fn sample_type(tags: &ImageTags) -> Option<DType> {
    let (bits, format) = (*tags.bits_per_sample.first()?, *tags.sample_format.first()?);
    let same = |list: &[u16], first| list.iter().all(|one| *one == first);
    if !same(&tags.bits_per_sample, bits) || !same(&tags.sample_format, format) {
        return None;
    }
    Some(match (bits, format) {
        (8, 1) => DType::UInt8,
        (8, 2) => DType::Int8,
        (16, 1) => DType::UInt16,
        (16, 2) => DType::Int16,
        (32, 1) => DType::UInt32,
        (32, 2) => DType::Int32,
        (32, 3) => DType::Float32,
        (64, 3) => DType::Float64,
        (64, 6) => DType::Complex64,
        _ => return None,
    })
}
