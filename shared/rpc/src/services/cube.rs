//! The stream of a cube: a global header, then for each image a header and its parts.

use super::stream::Items;
use crate::convert;
use crate::pb::{self, get_cube_metadata_response, get_cube_response};
use crate::status::{domain_status, status};
use app::{App, BuiltImage, Cube, CubeHeader, Downloader};
use bytes::Bytes;
use domain::Size;
use futures::stream::{self, StreamExt};
use tonic::{Response, Status};

/// Answers a cube.
pub(super) async fn get_cube(
    app: &App,
    request: pb::GetCubeRequest,
) -> Result<Response<Items<pb::GetCubeResponse>>, Status> {
    let (transform, stop_at_first_empty) = (request.pix_to_crs, request.protocol_v11x);
    let request =
        convert::cube_request(request, app.limits()).map_err(|error| domain_status(&error))?;
    let crs = request.crs.clone();
    let cube = app.cube(request).await.map_err(status)?;
    let header = global_header(&cube.header, transform, crs);
    Ok(Response::new(messages(cube, header, stop_at_first_empty)))
}

/// Answers a cube of given sources.
pub(super) async fn download_cube(
    downloader: &Downloader,
    request: pb::GetCubeMetadataRequest,
) -> Result<Response<Items<pb::GetCubeMetadataResponse>>, Status> {
    if request.grouped_records.is_empty() {
        let echo = pb::GetCubeResponseHeader {
            count: 0,
            nb_datasets: 0,
            ref_dformat: request.ref_dformat,
            resampling_alg: request.resampling_alg,
            geotransform: request.pix_to_crs,
            crs: request.crs,
        };
        let only = pb::GetCubeMetadataResponse::global_header(echo);
        return Ok(Response::new(stream::iter([Ok(only)]).boxed()));
    }
    let transform = request.pix_to_crs;
    let request = convert::download_request(request, downloader.limits())
        .map_err(|error| domain_status(&error))?;
    let crs = request.crs.clone();
    let cube = downloader.cube(request).await.map_err(status)?;
    let header = global_header(&cube.header, transform, crs);
    // an empty part never comes: nothing is compressed
    Ok(Response::new(messages(cube, header, false)))
}

/// A message of the stream of a cube: the two methods have a type each.
trait CubeMessage: Send + 'static {
    fn global_header(header: pb::GetCubeResponseHeader) -> Self;
    fn header(header: pb::ImageHeader) -> Self;
    fn chunk(chunk: pb::ImageChunk) -> Self;
}

macro_rules! cube_message {
    ($message:ident, $item:ident) => {
        impl CubeMessage for pb::$message {
            fn global_header(header: pb::GetCubeResponseHeader) -> Self {
                let response = Some($item::Response::GlobalHeader(header));
                Self { response }
            }

            fn header(header: pb::ImageHeader) -> Self {
                let response = Some($item::Response::Header(header));
                Self { response }
            }

            fn chunk(chunk: pb::ImageChunk) -> Self {
                let response = Some($item::Response::Chunk(chunk));
                Self { response }
            }
        }
    };
}

cube_message!(GetCubeResponse, get_cube_response);
cube_message!(GetCubeMetadataResponse, get_cube_metadata_response);

fn messages<M: CubeMessage>(
    cube: Cube,
    header: pb::GetCubeResponseHeader,
    stop_at_first_empty: bool,
) -> Items<M> {
    let size = cube.size;
    let images = cube.images.flat_map(move |image| match image {
        Ok(image) => {
            let messages = image_messages(&image, size, stop_at_first_empty);
            // the image keeps its share of the memory budget until its last part is sent
            let hold = move |message| {
                let _image = &image;
                Ok(message)
            };
            stream::iter(messages).map(hold).boxed()
        }
        Err(error) => stream::iter([Err(status(error))]).boxed(),
    });
    let first = stream::iter([Ok(M::global_header(header))]);
    first.chain(images).boxed()
}

fn global_header(
    header: &CubeHeader,
    geotransform: Option<pb::GeoTransform>,
    crs: String,
) -> pb::GetCubeResponseHeader {
    pb::GetCubeResponseHeader {
        count: header.slices as i64,
        nb_datasets: header.datasets as i64,
        ref_dformat: Some(convert::data_format_to(&header.format)),
        resampling_alg: header.resampling.number(),
        geotransform,
        crs,
    }
}

/// Messages of one image: its header with part 0, then the parts 1, 2, …, padded with empty ones
/// as the client expects.
fn image_messages<M: CubeMessage>(
    image: &BuiltImage,
    size: Size,
    stop_at_first_empty: bool,
) -> Vec<M> {
    let mut header = convert::image_header_to(&image.slice);
    let payload = match &image.payload {
        Err(error) => {
            header.error.clone_from(error);
            return vec![M::header(header)];
        }
        Ok(payload) => payload,
    };
    header.shape = Some(convert::shape_to(image.bands, size));
    header.dtype = image.dtype.number();
    let Some(payload) = payload else {
        header.compression = image.compressed;
        return vec![M::header(header)];
    };
    header.compression = payload.compressed;
    header.nb_parts = payload.announced_parts as i32;
    header.size = payload.size as i64;
    header.data = payload.parts.first().cloned().unwrap_or_default();
    let mut messages = vec![M::header(header)];
    for part in 1..payload.parts_on_the_wire(stop_at_first_empty) {
        let data = payload.parts.get(part).cloned().unwrap_or_else(Bytes::new);
        messages.push(M::chunk(pb::ImageChunk {
            part: part as i32,
            data,
        }));
    }
    messages
}
