//! Cubes.

use super::format::resampling;
use super::record::{filters_from, record_ids};
use super::{dataset_meta_to, ids, record_to};
use crate::pb;
use app::{CubeRequest, CubeSelection, ImageFormat, Limits, PayloadCompression, Slice};
use bytes::Bytes;
use domain::{Error, GeoTransform, InstanceId, Result, Size};

/// Reads the request of a cube, in the order of its rules.
pub(crate) fn cube_request(request: pb::GetCubeRequest, limits: &Limits) -> Result<CubeRequest> {
    let compression = PayloadCompression::from_level(request.compression_level)?;
    if request.instances_id.is_empty() {
        return Err(Error::invalid("At least one instance must be provided"));
    }
    let selection = request
        .records_lister
        .map(|lister| selection(lister, limits))
        .transpose()?;
    let instances = ids(&request.instances_id, InstanceId::parse, limits)?;
    let transform = transform(request.pix_to_crs)?;
    let size = request.size.unwrap_or_default();
    let cube = CubeRequest {
        selection: selection.unwrap_or_default(),
        instances,
        transform,
        crs: request.crs,
        size: (size.width.into(), size.height.into()),
        compression,
        headers_only: request.headers_only,
        format: image_format(request.format)?,
        resampling: resampling(request.resampling_alg)?,
    };
    Ok(cube)
}

fn selection(
    lister: pb::get_cube_request::RecordsLister,
    limits: &Limits,
) -> Result<CubeSelection> {
    use pb::get_cube_request::RecordsLister;
    match lister {
        RecordsLister::Filters(filters) => {
            filters_from(Some(filters), limits).map(CubeSelection::Filters)
        }
        RecordsLister::Records(records) => {
            let groups = record_ids(&records.ids, limits)?;
            Ok(CubeSelection::Groups(
                groups.into_iter().map(|id| vec![id]).collect(),
            ))
        }
        RecordsLister::GroupedRecords(list) => {
            let count: usize = list.records.iter().map(|group| group.ids.len()).sum();
            Limits::check(
                "ids in one request (maxRecords)",
                count as u64,
                limits.ids_per_request as u64,
            )?;
            let groups = list
                .records
                .iter()
                .map(|group| record_ids(&group.ids, limits));
            groups.collect::<Result<_>>().map(CubeSelection::Groups)
        }
    }
}

/// Reads a pixel grid.
pub(crate) fn transform(transform: Option<pb::GeoTransform>) -> Result<GeoTransform> {
    let pb::GeoTransform { a, b, c, d, e, f } = transform.unwrap_or_default();
    GeoTransform::try_new([a, b, c, d, e, f])
}

/// Reads the form of the pixels.
pub(super) fn image_format(number: i32) -> Result<ImageFormat> {
    match pb::FileFormat::try_from(number) {
        Ok(pb::FileFormat::Raw) => Ok(ImageFormat::Raw),
        Ok(pb::FileFormat::GTiff) => Ok(ImageFormat::GTiff),
        Err(_) => Err(Error::invalid(format!(
            "Invalid format: {number} is not in the enumeration"
        ))),
    }
}

/// Writes what every header of a slice has, an error included.
pub(crate) fn image_header_to(slice: &Slice) -> pb::ImageHeader {
    let records = slice
        .records
        .iter()
        .map(|record| record_to((**record).clone()))
        .collect();
    pb::ImageHeader {
        data: Bytes::new(),
        order: pb::ByteOrder::LittleEndian.into(),
        grouped_records: Some(pb::GroupedRecords { records }),
        dataset_meta: Some(dataset_meta_to(&slice.sources)),
        ..Default::default()
    }
}

/// Writes the dimensions of an image.
pub(crate) fn shape_to(bands: usize, size: Size) -> pb::Shape {
    pb::Shape {
        dim1: bands as i32,
        dim2: size.width as i32,
        dim3: size.height as i32,
    }
}
